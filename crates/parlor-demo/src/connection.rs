//! One connection to a stand-in: the few lines of HTTP/1.1 that parlor's own client speaks.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parlor_core::{Error, ErrorKind, Event, Result};
use parlor_dialect::Framing;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time;

use crate::exchange::{Exchange, WireRequest, WireResponse};
use crate::script::{self, Played};
use crate::speak::Speak;
use crate::stand_in::StandIn;
use crate::stand_ins::Site;

/// The most bytes of a request's head.
const HEAD: usize = 64 << 10;

/// The most bytes of a request's body: what the service takes, in base64.
const BODY: usize = 48 << 20;

/// How long an answer that waits to be stopped waits.
const PATIENCE: Duration = Duration::from_secs(10);

const JSON: &str = "application/json";

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes that were read and belong to no request yet.
    ahead: Vec<u8>,
    stand_in: &'static StandIn,
    speak: Arc<dyn Speak>,
    site: Arc<Site>,
}

/// The client hung up, or said what is no HTTP.
struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Connection {
    pub(crate) fn new(
        stream: TcpStream,
        stand_in: &'static StandIn,
        speak: Arc<dyn Speak>,
        site: Arc<Site>,
    ) -> Self {
        // Without it, small frames wait for one another; a failure costs only time.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            ahead: Vec::new(),
            stand_in,
            speak,
            site,
        }
    }

    /// Answers requests until the client has no more.
    pub(crate) async fn serve(mut self) {
        while let Ok(request) = self.request().await {
            let mut response = WireResponse::default();
            let sent = self.answer(&request, &mut response).await;
            response.hung_up = sent.is_err();
            self.site.keep(Exchange {
                provider: self.stand_in.provider,
                request,
                response,
            });
            if sent.is_err() {
                return;
            }
        }
    }

    async fn request(&mut self) -> std::result::Result<WireRequest, Gone> {
        let head = loop {
            let ends = self.ahead.windows(END_OF_HEAD.len());
            match ends.into_iter().position(|it| it == END_OF_HEAD) {
                Some(at) => break at,
                None if self.ahead.len() > HEAD => return Err(Gone),
                None => self.fill().await?,
            }
        };
        let rest = self.ahead.split_off(head + END_OF_HEAD.len());
        let head = std::mem::replace(&mut self.ahead, rest);
        let mut request = read_head(&String::from_utf8_lossy(&head)).ok_or(Gone)?;
        let length = request.header("content-length").unwrap_or("0");
        let length: usize = length.parse().map_err(|_| Gone)?;
        if length > BODY || request.header("transfer-encoding").is_some() {
            return Err(Gone);
        }
        while self.ahead.len() < length {
            self.fill().await?;
        }
        let rest = self.ahead.split_off(length);
        request.body = std::mem::replace(&mut self.ahead, rest);
        Ok(request)
    }

    async fn fill(&mut self) -> std::result::Result<(), Gone> {
        match self.stream.read_buf(&mut self.ahead).await? {
            0 => Err(Gone),
            _ => Ok(()),
        }
    }

    /// Sends what the script says, or what is wrong with the request.
    async fn answer(
        &mut self,
        request: &WireRequest,
        response: &mut WireResponse,
    ) -> std::result::Result<(), Gone> {
        let told = match self.batch(request).await {
            Some(told) => told,
            None => match self.asked(request).await {
                Ok((played, true)) => {
                    let events = played.response.into_events();
                    return self.stream(events, played.stops, response).await;
                }
                Ok((played, false)) => self.speak.whole(&played.response).map(|it| (JSON, it)),
                Err(error) => Err(error),
            },
        };
        match told {
            Ok((content_type, body)) => self.whole(200, content_type, body, response).await,
            Err(error) => {
                let (status, body) = self.speak.refuse(&error);
                self.whole(status, JSON, body, response).await
            }
        }
    }

    async fn asked(&self, request: &WireRequest) -> Result<(Played, bool)> {
        if request.method != "POST" {
            let message = format!("a stand-in answers no {} {}", request.method, request.path);
            return Err(Error::new(ErrorKind::ModelNotFound, message).with_status(404));
        }
        self.play(&request.path, &request.body).await
    }

    /// What the script has for a request, and whether it is to be streamed.
    pub(crate) async fn play(&self, path: &str, body: &[u8]) -> Result<(Played, bool)> {
        let incoming = self.speak.read(path, body, self.stand_in.provider)?;
        let says_so = self.site.manner.says_so;
        let played = script::play(&incoming.model, &incoming.request, says_so).await?;
        Ok((played, incoming.stream))
    }

    pub(crate) fn stand_in(&self) -> &StandIn {
        self.stand_in
    }

    pub(crate) fn speak(&self) -> &dyn Speak {
        &*self.speak
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    async fn whole(
        &mut self,
        status: u16,
        content_type: &'static str,
        body: Vec<u8>,
        response: &mut WireResponse,
    ) -> std::result::Result<(), Gone> {
        response.status = status;
        response.content_type = content_type;
        let head = head(response, &format!("content-length: {}", body.len()));
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(&body).await?;
        response.frames.push(body);
        Ok(())
    }

    /// Streams an answer, a frame a chunk and a word at a time. After so many words of its text,
    /// where `stops` says how many, it waits to be stopped.
    async fn stream(
        &mut self,
        events: Vec<Event>,
        stops: Option<usize>,
        response: &mut WireResponse,
    ) -> std::result::Result<(), Gone> {
        let framing = self.speak.framing();
        response.status = 200;
        response.content_type = match framing {
            Framing::Ndjson => "application/x-ndjson",
            _ => "text/event-stream",
        };
        let head = head(response, "transfer-encoding: chunked");
        self.stream.write_all(head.as_bytes()).await?;
        let pace = self.site.manner.pace;
        let mut encoder = self.speak.encoder();
        let mut words = 0;
        for event in events.into_iter().flat_map(Event::by_word) {
            let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
            if let Err(error) = encoder.encode(&event, &mut frames) {
                encoder.fail(&error, &mut frames);
            }
            for (name, data) in frames {
                let mut frame = Vec::new();
                framing.put(name.as_deref(), &data, &mut frame);
                self.chunk(&frame).await?;
                response.frames.push(frame);
            }
            if event.text().is_some() {
                words += 1;
                match stops {
                    Some(stops) if stops == words && pace.is_zero() => self.pause(PATIENCE).await?,
                    _ if !pace.is_zero() => self.pause(pace).await?,
                    _ => {}
                }
            }
        }
        self.stream.write_all(b"0\r\n\r\n").await?;
        Ok(())
    }

    async fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.stream.write_all(&chunk).await
    }

    /// Lets time pass, unless the client hangs up meanwhile.
    async fn pause(&mut self, time: Duration) -> std::result::Result<(), Gone> {
        tokio::select! {
            () = time::sleep(time) => Ok(()),
            // A client says nothing before it has its answer.
            _ = self.stream.readable() => match self.stream.try_read(&mut [0; 1]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                _ => Err(Gone),
            },
        }
    }
}

fn head(response: &WireResponse, framed: &str) -> String {
    let reason = if response.status < 400 {
        "OK"
    } else {
        "Refused"
    };
    format!(
        "HTTP/1.1 {} {reason}\r\ncontent-type: {}\r\n{framed}\r\n\r\n",
        response.status, response.content_type
    )
}

/// The request line and the headers.
fn read_head(head: &str) -> Option<WireRequest> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Some(WireRequest {
        method,
        path,
        headers: headers.collect(),
        body: Vec::new(),
    })
}
