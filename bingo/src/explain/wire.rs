//! The two protocols that models are asked by: Anthropic's Messages API, and the
//! chat completions that many servers have taken over from OpenAI. In: a question.
//! Out: the request's body; and of each line of the answer the text in it.

use serde_json::{Value, json};

use super::question::SYSTEM;

/// The most that an answer may take, in tokens.
const TOKENS: u32 = 8_000;

/// A protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Anthropic,
    OpenAi,
}

/// What a line of the answer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Piece {
    /// More of the text.
    Text(String),
    /// It is through.
    End,
    /// It breaks off, for this reason.
    Error(String),
    /// Nothing that matters here.
    Other,
}

impl Protocol {
    pub(super) fn path(self) -> &'static str {
        match self {
            Protocol::Anthropic => "/v1/messages",
            Protocol::OpenAi => "/chat/completions",
        }
    }

    pub(super) fn body(self, model: &str, question: &str) -> String {
        let user = json!({ "role": "user", "content": question });
        let body = match self {
            Protocol::Anthropic => json!({
                "model": model, "max_tokens": TOKENS, "stream": true, "system": SYSTEM, "messages": [user],
            }),
            Protocol::OpenAi => json!({
                "model": model, "max_tokens": TOKENS, "stream": true,
                "messages": [{ "role": "system", "content": SYSTEM }, user],
            }),
        };
        body.to_string()
    }

    /// What a line of the stream says (server-sent events: `data: {…}`).
    pub(super) fn piece(self, line: &str) -> Piece {
        let Some(said) = line.strip_prefix("data:").map(str::trim) else { return Piece::Other };
        if said == "[DONE]" {
            return Piece::End;
        }
        let Ok(event) = serde_json::from_str::<Value>(said) else {
            return Piece::Error("a line of the answer is no JSON".to_owned());
        };
        if let Some(error) = error_in(&event) {
            return Piece::Error(error);
        }
        let text = |path| event.pointer(path).and_then(Value::as_str);
        match self {
            Protocol::Anthropic => match text("/type") {
                Some("message_stop") => Piece::End,
                Some("message_delta") if text("/delta/stop_reason") == Some("max_tokens") => too_long(),
                _ => text("/delta/text").map_or(Piece::Other, |text| Piece::Text(text.to_owned())),
            },
            Protocol::OpenAi => match text("/choices/0/finish_reason") {
                Some("length") => too_long(),
                _ => {
                    text("/choices/0/delta/content").map_or(Piece::Other, |text| Piece::Text(text.to_owned()))
                }
            },
        }
    }
}

fn too_long() -> Piece {
    Piece::Error("the answer is longer than it may be".to_owned())
}

/// What an answer says is wrong, in either protocol.
pub(super) fn error_in(answer: &Value) -> Option<String> {
    let error = answer.get("error")?;
    let text = error.get("message").or(Some(error)).and_then(Value::as_str)?;
    Some(text.chars().take(300).filter(|c| !c.is_control()).collect())
}
