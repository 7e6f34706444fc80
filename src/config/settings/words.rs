//! Settings that are one of a few words.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[doc = concat!("`", $word, "`. ")] $(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every word that the configuration accepts here.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// Every value, in the order of its word.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word of this value in configuration files and records.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "enum": $name::WORDS})
            }
        }
    };
}

words!(
    /// Which world the agent runs.
    Scenario {
        /// A warehouse between suppliers and customers.
        Warehouse = "warehouse",
    }
);
words!(
    /// How much demand presses on the agent.
    PressureLevel { Low = "low", Medium = "medium", High = "high" }
);
words!(
    /// What a step's input shows besides the last result.
    StateVisibility {
        /// Day and number of unread messages.
        LastResult = "last_result",
        /// A dashboard of stock, budget and orders.
        Full = "full",
    }
);
words!(
    /// Which predictions an action must carry.
    PredictionMode {
        /// None.
        Optional = "optional",
        /// At least one expected field.
        Required = "required",
        /// That and a confidence.
        RequiredConfidence = "required+confidence",
        /// That and what the agent is uncertain about.
        RequiredUncertainty = "required+uncertainty",
        /// Every field that the tool can bind, and the rich ones.
        RequiredFull = "required+full",
    }
);
words!(
    /// Which fields a prediction card offers.
    PredictionFormat { Minimal = "minimal", Structured = "structured", Rich = "rich" }
);
words!(
    /// Which scratchpad tools the agent has.
    MemoryTools { None = "none", Basic = "basic", Full = "full" }
);
words!(
    /// Which recovery tools the agent has.
    RecoveryTools { None = "none", Reset = "reset", Audit = "audit", Help = "help", All = "all" }
);
words!(
    /// How large shocks are.
    Magnitude { Low = "low", Medium = "medium", High = "high" }
);
words!(
    /// Which families of shocks strike, and in which shares, in one word.
    MixWord {
        /// 40% temporal, 30% quantity, 20% causal, 10% rule.
        Realistic = "realistic",
        /// Only late deliveries.
        TemporalOnly = "temporal_only",
        /// Only changed quantities.
        QuantityOnly = "quantity_only",
        /// Causal and rule evenly.
        CausalOnly = "causal_only",
        /// A quarter each.
        Uniform = "uniform",
    }
);
words!(
    /// What the agent is told of shocks.
    Observability { Full = "full", Delayed = "delayed", Partial = "partial", Hidden = "hidden" }
);
words!(
    /// How much evidence a crash detector asks for.
    CrashThreshold { Strict = "strict", Moderate = "moderate", Lenient = "lenient" }
);
words!(
    /// How an agent made to break down does so.
    SyntheticKind {
        /// Repeats one call that changes nothing.
        Loop = "loop",
        /// Calls with arguments that cannot be right.
        Invalid = "invalid",
        /// Orders on although the money is gone.
        Denial = "denial",
        /// Does other things than its cards say.
        Decouple = "decouple",
        /// Uses one tool only.
        Collapse = "collapse",
        /// Thinks of something else.
        Drift = "drift",
        /// Replies in a way that cannot be read.
        Prose = "prose",
        /// States budgets and stocks that are far from the truth.
        Belief = "belief",
        /// Stops working.
        Abandon = "abandon",
    }
);
words!(
    /// Which account of prediction errors counts.
    ErrorAccount {
        /// Errors count when the world has decided them.
        Objective = "objective",
        /// Errors count when the agent could first see them.
        Revealed = "revealed",
    }
);
words!(
    /// What a temporal error is divided by.
    TemporalBasis {
        /// The expected lead time: `expected_delivery_day` minus the day of the order, at least 1.
        LeadTime = "lead_time",
        /// The expected day itself, at least 1, as in the Python original.
        Day = "day",
    }
);
words!(
    /// Which cells of a grid share their random draws.
    SeedPolicy { Paired = "paired", Shared = "shared", Independent = "independent" }
);
words!(
    /// How a language model states its action.
    ReplyFormat {
        /// By the provider's native tool calls. The default: the provider then says what was called with which
        /// arguments, so what counts as unreadable is the model's doing and not that of a parser of prose.
        ToolCalls = "tool_calls",
        /// In the text of its reply, without native tools. For servers that have none.
        Text = "text",
    }
);
words!(
    /// What a server speaks.
    ProviderKind {
        /// Chat completions as OpenAI defined them, and as vLLM, llama.cpp, OpenRouter and Ollama serve them.
        OpenAiChat = "openai_chat",
        /// Anthropic's messages.
        AnthropicMessages = "anthropic_messages",
        /// No server: replies are made up within the process, for tests.
        Mock = "mock",
    }
);
words!(
    /// What a request of chat completions calls the limit of the reply's tokens.
    MaxTokensKey {
        /// What most servers know.
        MaxTokens = "max_tokens",
        /// What OpenAI's own models want.
        MaxCompletionTokens = "max_completion_tokens",
    }
);
words!(
    /// A part of a request that some servers or models refuse, and that can be left out.
    RequestField {
        /// `model.temperature`. Models that reason refuse it.
        Temperature = "temperature",
        /// `model.top_p`.
        TopP = "top_p",
        /// The seed of the call.
        Seed = "seed",
        /// That a tool must be called.
        ToolChoice = "tool_choice",
        /// That only one tool may be called.
        ParallelToolCalls = "parallel_tool_calls",
        /// Marks of what the provider should keep in its cache.
        CacheControl = "cache_control",
    }
);

/// What follows an unreadable reply. In files `reask(k)`, or `rejected` for none, which `reask(0)` means too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OnMalformed {
    /// How often the model is asked again in the same step before the step passes without an action.
    pub reasks: u32,
}

impl OnMalformed {
    /// Most times that a model is asked again.
    pub const MOST: u32 = 10;
}

impl fmt::Display for OnMalformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reasks {
            0 => f.write_str("rejected"),
            reasks => write!(f, "reask({reasks})"),
        }
    }
}

impl FromStr for OnMalformed {
    type Err = ();

    fn from_str(text: &str) -> Result<OnMalformed, ()> {
        if text == "rejected" {
            return Ok(OnMalformed { reasks: 0 });
        }
        let number = text.strip_prefix("reask(").and_then(|rest| rest.strip_suffix(')')).ok_or(())?;
        let reasks = number.parse().map_err(drop)?;
        // `+1` and `01` would be further spellings of one value.
        if reasks > OnMalformed::MOST || u32::to_string(&reasks) != number {
            return Err(());
        }
        Ok(OnMalformed { reasks })
    }
}

impl Serialize for OnMalformed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OnMalformed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OnMalformed, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("this is neither rejected nor reask(k)"))
    }
}
