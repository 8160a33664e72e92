//! A model that is asked over HTTP, its answer taken as it comes. In: a question.
//! Out: pieces of text, or what went wrong. Who is busy is asked again, as late as
//! it wishes.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use ureq::Agent;
use ureq::http::Response;

use super::question::Question;
use super::wire::{Piece, Protocol, error_in};

const CONNECT: Duration = Duration::from_secs(10);
/// So often it is asked.
const TIMES: u32 = 3;
/// A server that wants more patience is not waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer, in bytes.
const LONGEST: u64 = 1 << 20;

/// Who is asked.
#[derive(Clone)]
pub struct Model {
    protocol: Protocol,
    address: String,
    key: Option<String>,
    name: String,
    /// How long it may be silent.
    silence: Duration,
}

/// Why there is no answer, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It cannot be reached, or was silent for too long.
    #[error("{address}: {error}")]
    Reach {
        /// Where.
        address: String,
        /// Why.
        error: Box<ureq::Error>,
    },
    /// It refuses.
    #[error("{address} answers {status}: {said}")]
    Refused {
        /// Where.
        address: String,
        /// The status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// The answer breaks off.
    #[error("the answer breaks off: {0}")]
    Broken(String),
}

impl Model {
    /// One that speaks Anthropic's Messages API at `base`.
    #[must_use]
    pub fn anthropic(base: &str, key: String, name: String, silence: Duration) -> Model {
        Model::of(Protocol::Anthropic, base, Some(key), name, silence)
    }

    /// One that speaks OpenAI's chat completions at `base`, which ends in `/v1` as a rule.
    #[must_use]
    pub fn open_ai(base: &str, key: Option<String>, name: String, silence: Duration) -> Model {
        Model::of(Protocol::OpenAi, base, key, name, silence)
    }

    fn of(protocol: Protocol, base: &str, key: Option<String>, name: String, silence: Duration) -> Model {
        let address = format!("{}{}", base.trim_end_matches('/'), protocol.path());
        Model { protocol, address, key, name, silence }
    }

    /// Asks, and hands the answer on as it comes; then all of it.
    ///
    /// # Errors
    /// Where there is no answer, or not all of it.
    pub fn ask(&self, question: &Question, mut said: impl FnMut(&str)) -> Result<String, AskError> {
        let body = self.protocol.body(&self.name, &question.text);
        let mut times = 1;
        let response = loop {
            let response = self.send(&body)?;
            let status = response.status().as_u16();
            if response.status().is_success() {
                break response;
            }
            let busy = matches!(status, 429 | 500 | 502 | 503 | 529);
            let wait = wait_of(&response, times).filter(|wait| *wait <= PATIENCE);
            match wait.filter(|_| busy && times < TIMES) {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(self.refused(status, response)),
            }
            times += 1;
        };
        let mut answer = String::new();
        for line in BufReader::new(response.into_body().into_reader().take(LONGEST)).lines() {
            let line = line.map_err(|error| AskError::Broken(error.to_string()))?;
            match self.protocol.piece(&line) {
                Piece::Text(text) => {
                    said(&text);
                    answer.push_str(&text);
                }
                Piece::End => return Ok(answer),
                Piece::Error(error) => return Err(AskError::Broken(error)),
                Piece::Other => {}
            }
        }
        Err(AskError::Broken("it has no end".to_owned()))
    }

    fn send(&self, body: &str) -> Result<Response<ureq::Body>, AskError> {
        let builder = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("bingo/", env!("CARGO_PKG_VERSION")))
            // The key is for this address alone.
            .max_redirects(0)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(self.silence));
        #[cfg(feature = "https")]
        let builder = builder.tls_config(
            ureq::tls::TlsConfig::builder().root_certs(ureq::tls::RootCerts::PlatformVerifier).build(),
        );
        let agent = builder.build().new_agent();
        let mut request = agent.post(&self.address).header("content-type", "application/json");
        request = match (self.protocol, &self.key) {
            (Protocol::Anthropic, Some(key)) => {
                request.header("x-api-key", key).header("anthropic-version", "2023-06-01")
            }
            (Protocol::OpenAi, Some(key)) => request.header("authorization", format!("Bearer {key}")),
            (_, None) => request,
        };
        request
            .send(body)
            .map_err(|error| AskError::Reach { address: self.address.clone(), error: Box::new(error) })
    }

    fn refused(&self, status: u16, response: Response<ureq::Body>) -> AskError {
        let mut text = String::new();
        // What cannot be read says nothing.
        let _ = response.into_body().into_reader().take(4_096).read_to_string(&mut text);
        let said = serde_json::from_str(&text).ok().and_then(|answer| error_in(&answer));
        let said = said.unwrap_or_else(|| text.chars().take(200).filter(|c| !c.is_control()).collect());
        AskError::Refused { address: self.address.clone(), status, said }
    }
}

/// How long to wait before the next time: what it asks for, else ever longer.
fn wait_of(response: &Response<ureq::Body>, times: u32) -> Option<Duration> {
    let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    match asked {
        Some(seconds) => seconds.trim().parse().ok().map(Duration::from_secs),
        None => Some(Duration::from_secs(1 << times.min(4))),
    }
}
