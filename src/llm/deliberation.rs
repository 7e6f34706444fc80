//! The agent of one run, when a language model decides: a state machine between the simulation and a provider.
//!
//! [`begin`](Deliberation::begin) takes what a step shows and says what to ask; [`on_attempt`](Deliberation::on_attempt) takes
//! what came of a request and says what follows: another request, a decision, or the end of the run. Everything that
//! it leaves depends on its configuration, on what it was shown and on what it heard, never on a clock.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use crate::agent::Input;
use crate::base::decision::Usage;
use crate::base::decision::{ActionSource, Decision, ModelUse};
use crate::base::rng::Stream;
use crate::base::run_end::EndReason;
use crate::base::units::{Day, Step};
use crate::config::settings::{ReplyFormat, RunConfig};
use crate::interface::observation::Briefing;
use crate::interface::result::ErrorCode;
use crate::llm::account::{Account, ModelSummary};
use crate::llm::conversation::{Conversation, Dropped};
use crate::llm::prompt::{PromptError, Prompts};
use crate::llm::provider::attempt::{Attempt, Outcome};
use crate::llm::provider::cost::Pricing;
use crate::llm::provider::dialect::{Bill, Dialect, Head, ToolResult, complaint};
use crate::llm::provider::reply::{ModelReply, RawToolCall};
use crate::llm::record::digest;
use crate::llm::record::{
    Asked, DeliberationRecord, ErrorType, Lines, LlmEvent, Parse, ProviderCall, RawReply, Status, Unread,
};
use crate::llm::reply;
use crate::llm::reply::{KnownTool, ReadReply, Reason, Unreadable};
use crate::llm::served::is_requested;
use crate::tool::name;

/// A model that refuses in so many steps in a row refuses for good.
const REFUSALS_FOR_GOOD: u32 = 5;

/// The seeds that calls ask for are drawn from this stream.
pub const SEED_STREAM: (&str, u32) = ("agent.model_seed", 1);

/// What to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The step.
    pub step: Step,
    /// Which call of the step, from 0.
    pub number: u32,
    /// The request.
    pub body: Bytes,
    /// How many bytes it has.
    pub bytes: usize,
    /// XXH3-128 of it.
    pub digest: String,
    /// Tokens that it is taken for.
    pub tokens: u64,
}

/// What follows.
#[derive(Clone, Debug)]
pub enum Move {
    /// The model is to be asked.
    Ask(Call),
    /// It has decided.
    Decide(Box<Decision>),
    /// The run is over, before this step's action.
    End(EndReason),
}

/// What a deliberation is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The templates.
    pub prompts: Arc<Prompts>,
    /// How the provider wants to be spoken to.
    pub dialect: Dialect,
    /// What every request begins with.
    pub head: Head,
    /// What tokens cost.
    pub pricing: Pricing,
    /// The form of the replies.
    pub format: ReplyFormat,
    /// Where actions come from: a model, or a recording.
    pub source: ReplySource,
}

/// Where replies come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplySource {
    /// A model.
    Model,
    /// A recording of another program.
    Recording,
}

/// The present step's question.
#[derive(Clone, Debug, Default)]
struct Question {
    step: Step,
    day: Day,
    /// The request that was sent last.
    asked: Asked,
    asked_again: u32,
    unread: Vec<Unread>,
    calls: u32,
    usage: Usage,
    /// How the attempt of the present call failed that was heard last, and why.
    failed: Option<(Outcome, String)>,
}

/// The agent.
#[derive(Debug)]
pub struct Deliberation {
    setup: Setup,
    format: ReplyFormat,
    reasks: u32,
    requested_model: String,
    pin_model: bool,
    max_steps: Step,
    tools: Vec<KnownTool>,
    /// The one seed of all calls, where the configuration names one.
    seed: Option<u64>,
    seeds: Stream,
    conversation: Conversation,
    question: Question,
    /// The native call whose result is due, and the tool that was called.
    pending_call: Option<String>,
    last_tool: Option<String>,
    /// What was wrong with the last card.
    card_problem: Option<String>,
    notices: Vec<String>,
    refusals: u32,
    told_of_other_model: bool,
    last_use: Option<(Usage, Option<f64>)>,
    why_ended: Option<String>,
    account: Account,
}

impl Deliberation {
    /// The agent of a run that was just started.
    #[must_use]
    pub fn new(config: &RunConfig, briefing: &Briefing, setup: Setup) -> Deliberation {
        let model = &config.model;
        let (context, reply) = (u64::from(model.context_length), u64::from(model.max_tokens_per_call));
        Deliberation {
            conversation: Conversation::new(setup.head.bytes(), context, reply),
            format: setup.format,
            // A recording has one reply a step.
            reasks: if setup.source == ReplySource::Model { config.interface.on_malformed.reasks } else { 0 },
            setup,
            requested_model: model.name.clone(),
            pin_model: model.pin_model,
            max_steps: briefing.max_steps,
            tools: briefing.tools.iter().map(KnownTool::from).collect(),
            seed: model.seed,
            seeds: Stream::new(config.experiment.draw_key, SEED_STREAM),
            question: Question::default(),
            pending_call: None,
            last_tool: None,
            card_problem: None,
            notices: Vec::new(),
            refusals: 0,
            told_of_other_model: false,
            last_use: None,
            why_ended: None,
            account: Account::default(),
        }
    }

    /// A step begins: what the model is asked, or the end of a conversation that no longer fits.
    ///
    /// # Errors
    /// When a template asks for what there is not.
    pub fn begin(&mut self, input: &Input<'_>, lines: &mut Lines) -> Result<Move, PromptError> {
        let observation = input.observation;
        let result = observation.last_result.as_ref();
        let forgets = result.is_some_and(|result| result.success == Some(true))
            && self.last_tool.as_deref() == Some(name::RESET_BELIEFS);
        if forgets {
            self.conversation.clear();
            self.pending_call = None;
        }
        let mut notices = mem::take(&mut self.notices);
        // A refusal of the card says it already.
        let refused = result.is_some_and(|result| result.error_code == Some(ErrorCode::BadPrediction));
        notices.extend(self.card_problem.take().filter(|_| !refused).map(|problem| card_notice(&problem)));
        let Setup { prompts, dialect, .. } = &self.setup;
        let alone = prompts.step(observation, self.max_steps, result.map(|result| result.json()), &notices)?;
        let alone = dialect.user(&alone);
        // A native call is answered by the message, with the result before all else; when the call is forgotten, the
        // message tells the result itself.
        match (self.pending_call.take(), result) {
            (Some(call), Some(result)) => {
                let text = prompts.step(observation, self.max_steps, None, &notices)?;
                let failed = result.success == Some(false);
                let result = ToolResult { call_id: &call, text: result.json(), is_error: failed };
                self.conversation.begin_turn(dialect.turn(&[result], &text), Some(alone));
            }
            _ => self.conversation.begin_turn(alone, None),
        }
        self.question = Question { step: observation.step, day: observation.day, ..Question::default() };
        Ok(self.ask(lines))
    }

    /// Takes in the outcome of a request. `None` while further attempts of the same call follow.
    ///
    /// # Errors
    /// When a template asks for what there is not.
    pub fn on_attempt(&mut self, attempt: &Attempt, lines: &mut Lines) -> Result<Option<Move>, PromptError> {
        self.account.attempt(attempt);
        let (mut outcome, mut trouble) = (attempt.outcome, attempt.error.clone());
        let reply = match (outcome, &attempt.body) {
            (Outcome::Reply, Some(body)) => match self.setup.dialect.read(body) {
                Ok(reply) => Some(reply),
                Err(error) => {
                    (outcome, trouble) = (Outcome::UnreadableBody, Some(error.to_string()));
                    None
                }
            },
            _ => None,
        };
        let charged = match &reply {
            Some(reply) => Some(Bill { usage: reply.usage, cost: reply.reported_cost }),
            None => self.setup.dialect.bill_of(attempt),
        };
        let charged = charged.map(|Bill { usage, cost }| (usage, self.setup.pricing.cost(&usage, cost)));
        let event = ProviderCall::new(&self.question.asked, attempt, reply.as_ref(), charged);
        lines.event(self.question.step, self.question.day, &LlmEvent::ProviderCall(Box::new(event)));
        if let Some((usage, cost)) = charged {
            self.account.charged(&usage, cost);
        }
        self.last_use = charged.map(|(usage, cost)| (usage, cost.map(|(cost, _)| cost)));
        if let Some(reply) = reply {
            return self.take_in(attempt, reply, lines);
        }
        // Of a request without an answer, nobody says what it took.
        if self.last_use.is_none() && outcome.may_be_charged() {
            self.account.untold();
        }
        let mut trouble = trouble.unwrap_or_else(|| "no answer came".to_owned());
        // What an error says is worth more than its number.
        let says = matches!(outcome, Outcome::HttpError | Outcome::ProviderError | Outcome::ContextOverflow);
        if let Some(body) = attempt.body.as_deref().filter(|_| says) {
            trouble = format!("{trouble}: {}", complaint(body));
        }
        self.question.failed = Some((outcome, trouble));
        Ok(attempt.last.then(|| self.fail(lines)))
    }

    /// The attempt that was heard last was the last of its call: what follows from that.
    ///
    /// # Panics
    /// When none was heard.
    pub fn fail(&mut self, lines: &mut Lines) -> Move {
        let (outcome, trouble) = self.question.failed.take().expect("an attempt has failed");
        match outcome {
            Outcome::ContextOverflow => match self.conversation.halve() {
                Some(dropped) => {
                    self.note_dropped(dropped, lines);
                    self.ask_next(lines)
                }
                None => self.end(EndReason::ContextOverflow, ErrorType::ContextOverflow, &trouble, lines),
            },
            Outcome::Timeout => self.end(EndReason::ProviderTimeout, ErrorType::DeliberationTimeout, &trouble, lines),
            _ => self.end(EndReason::ProviderError, ErrorType::ProviderFailure, &trouble, lines),
        }
    }

    /// The call that was to be made will not be: a limit forbids it, or nobody is there to answer.
    pub fn stopped_by(&mut self, message: &str, lines: &mut Lines) {
        self.error(ErrorType::Stopped, message, lines);
        self.why_ended = Some(message.to_owned());
    }

    /// What ended the run, where that was neither its rules nor the model: a provider that gave up, a limit, a
    /// conversation that is too long.
    #[must_use]
    pub fn why_ended(&self) -> Option<&str> {
        self.why_ended.as_deref()
    }

    /// What the request that was heard last took, in tokens and US dollars, by the answer's word; also one without a
    /// reply that was charged. `None` where nobody told.
    pub fn take_use(&mut self) -> Option<(Usage, Option<f64>)> {
        self.last_use.take()
    }

    /// Whether the model refuses for good: the run ends after this step.
    #[must_use]
    pub fn refuses_for_good(&self) -> bool {
        self.refusals >= REFUSALS_FOR_GOOD
    }

    /// What asking took so far.
    #[must_use]
    pub fn summary(&self) -> ModelSummary {
        self.account.summary()
    }

    fn ask(&mut self, lines: &mut Lines) -> Move {
        match self.conversation.fit() {
            Ok(dropped) if dropped.turns == 0 => {}
            Ok(dropped) => self.note_dropped(dropped, lines),
            Err(overflow) => {
                let message = format!(
                    "the present step alone takes about {} tokens; model.context_length less \
                     model.max_tokens_per_call leaves room for {}",
                    overflow.tokens, overflow.room
                );
                return self.end(EndReason::ContextOverflow, ErrorType::ContextOverflow, &message, lines);
            }
        }
        let number = self.question.asked.call;
        let seed = self.seeds.integer(self.question.step, u64::from(number), 0, i32::MAX as u32);
        let seed = self.setup.head.seed(self.seed.unwrap_or(u64::from(seed)));
        let body = self.setup.head.body(self.conversation.messages(), seed);
        self.question.asked = Asked { call: number, bytes: body.len(), digest: digest(&body), seed };
        Move::Ask(Call {
            step: self.question.step,
            number,
            digest: self.question.asked.digest.clone(),
            tokens: self.conversation.tokens(),
            bytes: body.len(),
            body: Bytes::from(body),
        })
    }

    fn ask_next(&mut self, lines: &mut Lines) -> Move {
        self.question.asked.call += 1;
        self.ask(lines)
    }

    fn take_in(
        &mut self,
        attempt: &Attempt,
        mut reply: ModelReply,
        lines: &mut Lines,
    ) -> Result<Option<Move>, PromptError> {
        self.account.reply(attempt, &reply);
        self.question.calls += 1;
        self.question.usage.add(&reply.usage);
        if let Some(tokens) = reply.usage.input_tokens {
            self.conversation.learn(self.question.asked.bytes, tokens);
        }
        if let Some(served) =
            reply.served_model.as_deref().filter(|served| !is_requested(&self.requested_model, served))
        {
            let message = format!("{} was asked, and {served} answered", self.requested_model);
            if self.pin_model {
                let end = self.end(EndReason::ProviderError, ErrorType::ServedModelDiffers, &message, lines);
                // A run that goes on after that asks again.
                return Ok(attempt.last.then_some(end));
            }
            if !mem::replace(&mut self.told_of_other_model, true) {
                self.error(ErrorType::ServedModelDiffers, &message, lines);
            }
        }
        let raw = RawReply::from(&reply);
        let read = reply::read(&reply, self.format, &self.tools);
        let parse = Parse::from(&read);
        match &read.call {
            Ok(_) => {
                self.name_calls(&mut reply);
                // A call that cannot be said again as one is said as text, and its result as well.
                let said = self.setup.dialect.assistant(&reply);
                self.pending_call = said.calls.into_iter().next();
                said.message.into_iter().for_each(|message| self.conversation.push(message));
                Ok(Some(Move::Decide(Box::new(self.decide(read, &parse, &raw, &reply, lines)))))
            }
            Err(why) => {
                self.account.unreadable();
                self.error(ErrorType::ParseFailure, &format!("{}: {}", why.reason.word(), why.detail), lines);
                // Only a call that was read stays a call: servers refuse conversations with broken ones.
                let said = ModelReply { content: as_text(&reply), ..ModelReply::default() };
                let said = self.setup.dialect.assistant(&said);
                said.message.into_iter().for_each(|message| self.conversation.push(message));
                if self.question.asked_again < self.reasks {
                    let text = self.setup.prompts.unreadable(why)?;
                    self.conversation.push(self.setup.dialect.user(&text));
                    self.question.asked_again += 1;
                    self.question.unread.push(Unread { raw, parse });
                    return Ok(Some(self.ask_next(lines)));
                }
                self.notices.push(rejection(why));
                Ok(Some(Move::Decide(Box::new(self.decide(read, &parse, &raw, &reply, lines)))))
            }
        }
    }

    fn decide(
        &mut self,
        read: ReadReply,
        parse: &Parse,
        raw: &RawReply,
        reply: &ModelReply,
        lines: &mut Lines,
    ) -> Decision {
        let refused = read.call.as_ref().is_err_and(|why| why.reason == Reason::Refusal);
        self.refusals = if refused { self.refusals + 1 } else { 0 };
        let (action, card, card_problem) = match read.call {
            Ok(call) => (Some(call.action), call.card, call.card_problem),
            Err(_) => (None, None, None),
        };
        self.card_problem.clone_from(&card_problem);
        self.last_tool = action.as_ref().map(|action| action.tool.clone());
        let question = &self.question;
        let (status, source) = match (&action, question.asked_again, self.setup.source, self.format) {
            (None, ..) => (Status::Rejected, ActionSource::Rejected),
            (Some(_), _, ReplySource::Recording, _) => (Status::Decided, ActionSource::Replay),
            (Some(_), 1.., ..) => (Status::Reasked, ActionSource::Reasked),
            (Some(_), 0, _, ReplyFormat::Text) => (Status::Decided, ActionSource::ModelText),
            (Some(_), 0, _, ReplyFormat::ToolCalls) => (Status::Decided, ActionSource::ModelToolCall),
        };
        lines.deliberation(&DeliberationRecord {
            step: question.step,
            day: question.day,
            status,
            thoughts: read.thoughts.as_deref(),
            action: action.as_ref(),
            card: card.as_ref(),
            confidence: card.as_ref().and_then(|card| card.confidence),
            parse,
            raw,
            unreadable_before: &question.unread,
        });
        let model = ModelUse { calls: question.calls, usage: question.usage, served_model: reply.served_model.clone() };
        let thoughts = read.thoughts.map(Into::into);
        Decision { action, card, card_problem, source, thoughts, model: Some(Arc::new(model)) }
    }

    /// Gives native calls a name where the server gave none: the result must name its call.
    fn name_calls(&self, reply: &mut ModelReply) {
        // Equal calls count as one.
        reply.tool_calls.truncate(1);
        for RawToolCall { id, .. } in &mut reply.tool_calls {
            if id.is_empty() {
                *id = format!("call_{}_{}", self.question.step, self.question.asked.call);
            }
        }
    }

    fn note_dropped(&mut self, Dropped { turns, bytes }: Dropped, lines: &mut Lines) {
        self.account.dropped(turns);
        let event = LlmEvent::HistoryDropped { turns, bytes, tokens_left: self.conversation.tokens() };
        lines.event(self.question.step, self.question.day, &event);
    }

    fn error(&self, error_type: ErrorType, message: &str, lines: &mut Lines) {
        lines.event(self.question.step, self.question.day, &LlmEvent::Error { error_type, message: message.into() });
    }

    fn end(&mut self, reason: EndReason, error: ErrorType, message: &str, lines: &mut Lines) -> Move {
        self.error(error, message, lines);
        self.why_ended = Some(message.to_owned());
        Move::End(reason)
    }
}

/// What the model is told of a card that was not read in full.
fn card_notice(problem: &str) -> String {
    format!("Of your last prediction card something could not be used: {problem}.")
}

/// What the model is told of a step in which nothing was done.
fn rejection(why: &Unreadable) -> String {
    format!("Nothing was done in the last step: your reply could not be read ({}). {}", why.reason.word(), why.detail)
}

/// A reply as plain text.
fn as_text(reply: &ModelReply) -> String {
    let mut text = reply.content.clone();
    for call in &reply.tool_calls {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("[call of {} with {}]", call.name, call.arguments));
    }
    // Some servers refuse an empty message.
    if text.trim().is_empty() { "(empty reply)".to_owned() } else { text }
}
