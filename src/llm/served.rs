//! Whether the model that answered is the one that was asked for. Called with every reply.

/// Whether a model that answered is the one that was asked for. Servers add the date or the version of a model, or a
/// tag, and routers the organisation, or leave it out; any other ending makes another model.
pub(super) fn is_requested(requested: &str, served: &str) -> bool {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let (requested, served) = (bare(requested), bare(served));
    let stem = requested.strip_suffix("-latest").unwrap_or(&requested);
    let Some(rest) = served.strip_prefix(stem) else { return false };
    rest.is_empty() || rest == "-latest" || rest.starts_with(':') || is_version(rest)
}

/// Whether the end of a model's name is a date or the number of a version, as `-2024-08-06`, `@20241022`, `-0613` or
/// `-002`. One digit is a part of the name: claude-opus-4 and claude-opus-4-1 are two models.
fn is_version(end: &str) -> bool {
    let Some(numbers) = end.strip_prefix(['-', '@']) else { return false };
    let mut groups = numbers.split('-');
    numbers.split('-').all(|group| !group.is_empty() && group.bytes().all(|digit| digit.is_ascii_digit()))
        && groups.next().is_some_and(|first| first.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_its_name_and_what_servers_add_to_it() {
        for (requested, served) in [
            ("gpt-4o", "gpt-4o"),
            ("gpt-4o", "gpt-4o-2024-08-06"),
            ("openai/gpt-4o", "gpt-4o-2024-08-06"),
            ("gpt-4o", "openai/GPT-4o"),
            ("gpt-4-turbo", "gpt-4-turbo-0613"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-latest"),
            ("claude-3-5-sonnet", "claude-3-5-sonnet@20241022"),
            ("mistral-small", "mistral-small-latest"),
            ("gemini-1.5-pro", "gemini-1.5-pro-002"),
            ("llama3", "llama3:latest"),
            ("org/model:free", "org/model:free"),
        ] {
            assert!(is_requested(requested, served), "{requested}, {served}");
        }
        for (requested, served) in [
            ("gpt-4o", "gpt-4o-mini"),
            ("gpt-4o", "gpt-4o-mini-2024-07-18"),
            ("gpt-4", "gpt-4o"),
            ("gpt-4", "gpt-4.1"),
            ("gpt-4", "gpt-4-turbo"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
            ("claude-opus-4", "claude-opus-4-1-20250805"),
            ("claude-3-5-sonnet-latest", "claude-3-5-haiku-20241022"),
            ("llama3:8b", "llama3:70b"),
            ("mock-model", "cheap-model-2"),
            ("gpt-4o", "gpt-4o-"),
            ("gpt-4o", ""),
        ] {
            assert!(!is_requested(requested, served), "{requested}, {served}");
        }
    }
}
