//! A program between the component and Redis. It passes on what both say, counts the commands of a scenario, and does one
//! thing at one of them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use bytes::{Buf as _, BytesMut};
use larder_protocol::scripts;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::{OwnedFrame, Resp2Frame as _};
use redis_protocol::resp3::decode::complete::decode as resp3;
use redis_protocol::resp3::types::OwnedFrame as Resp3;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::fault::Fault;

/// What a fault does besides to the command itself.
pub type Strike = Arc<dyn Fn(Fault) -> futures::future::BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// A proxy that listens on a port of its own.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: Mutex<u16>,
    plan: Mutex<Plan>,
    /// Set while a fault goes on though its command is over.
    striking: AtomicBool,
    /// All connections end when it changes.
    cut: watch::Sender<u64>,
    strike: Mutex<Option<Strike>>,
}

/// What to count, and what to do.
#[derive(Default)]
struct Plan {
    is_counting: bool,
    commands: Vec<String>,
    fault: Option<(At, Fault)>,
    has_struck: bool,
}

/// At which command a fault strikes.
#[derive(Clone, Debug)]
pub enum At {
    /// The one with this number, from 0.
    Number(usize),
    /// The first that is called so.
    Name(String),
}

/// How the reply to a command is passed on.
enum Reply {
    AsItIs,
    Late(Duration),
    /// The connection ends in its place.
    Cut,
}

/// How late a late reply is: later than the component waits.
pub const LATE: Duration = Duration::from_millis(450);

impl Proxy {
    /// Starts one to the Redis on this port of this machine.
    pub async fn start(upstream: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            plan: Mutex::default(),
            striking: AtomicBool::new(false),
            cut: watch::channel(0).0,
            strike: Mutex::new(None),
        });
        let proxy = Self { port: listener.local_addr()?.port(), shared };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let proxy = serving.clone();
                tokio::spawn(async move { proxy.serve(client).await });
            }
        });
        Ok(proxy)
    }

    /// `redis://127.0.0.1:<port>`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What else faults do.
    pub fn on_fault(&self, strike: Strike) {
        *self.shared.strike.lock().expect("nobody panics with it") = Some(strike);
    }

    /// Counts from now on, and does this at that command.
    pub fn begin(&self, fault: Option<(At, Fault)>) {
        *self.plan() = Plan { is_counting: true, fault, ..Plan::default() };
    }

    /// Whether the fault has struck.
    pub fn has_struck(&self) -> bool {
        self.plan().has_struck
    }

    /// Counts no more, once the fault is over; answers the commands, and whether it has struck.
    pub async fn end(&self) -> (Vec<String>, bool) {
        while self.shared.striking.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let Plan { commands, has_struck, .. } = std::mem::take(&mut *self.plan());
        (commands, has_struck)
    }

    /// Passes on to the Redis on another port from now on, over new connections.
    pub fn switch(&self, upstream: u16) {
        *self.shared.upstream.lock().expect("nobody panics with it") = upstream;
        self.cut();
    }

    /// Ends all connections.
    pub fn cut(&self) {
        self.shared.cut.send_modify(|cut| *cut += 1);
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.shared.plan.lock().expect("nobody panics with it")
    }

    async fn serve(&self, client: TcpStream) {
        let upstream = *self.shared.upstream.lock().expect("nobody panics with it");
        let mut cut = self.shared.cut.subscribe();
        let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else { return };
        let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
        let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
        let (order, replies) = mpsc::unbounded_channel();
        tokio::select! {
            _ = self.commands(client_in, server_out, order) => {}
            _ = pass_replies(server_in, client_out, replies) => {}
            _ = cut.changed() => {}
        }
    }

    async fn commands(
        &self,
        mut client: OwnedReadHalf,
        mut server: OwnedWriteHalf,
        order: mpsc::UnboundedSender<Reply>,
    ) -> anyhow::Result<()> {
        let mut buffer = BytesMut::new();
        loop {
            let (frame, mut raw) = next_frame(&mut client, &mut buffer).await?;
            let reply = match self.arrives(&name(&frame)) {
                None => Reply::AsItIs,
                Some(Fault::CutBefore) => return Ok(()),
                Some(Fault::CutAfter) => Reply::Cut,
                Some(Fault::Late) => Reply::Late(LATE),
                // Redis itself says it, so it comes when it is its turn.
                Some(Fault::Error(class)) => {
                    raw = refused(&class.text(slot(&frame), self.port));
                    Reply::AsItIs
                }
                Some(Fault::FailoverAfter) => {
                    self.shared.striking.store(true, Ordering::SeqCst);
                    self.strike(Fault::ReplicaGone).await?;
                    server.write_all(&raw).await?;
                    order.send(Reply::AsItIs)?;
                    // It goes on though this connection ends.
                    let proxy = self.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_millis(30)).await;
                        let struck = proxy.strike(Fault::FailoverAfter).await;
                        proxy.shared.striking.store(false, Ordering::SeqCst);
                        struck
                    });
                    continue;
                }
                Some(fault) => {
                    self.strike(fault).await?;
                    Reply::AsItIs
                }
            };
            order.send(reply)?;
            server.write_all(&raw).await?;
        }
    }

    /// Counts a command; what to do at it.
    fn arrives(&self, name: &str) -> Option<Fault> {
        let mut plan = self.plan();
        if !plan.is_counting {
            return None;
        }
        plan.commands.push(name.to_owned());
        let (at, fault) = plan.fault.clone()?;
        let is_there = match at {
            At::Number(number) => plan.commands.len() > number,
            At::Name(wanted) => wanted == name,
        };
        if plan.has_struck || !is_there {
            return None;
        }
        plan.has_struck = true;
        Some(fault)
    }

    async fn strike(&self, fault: Fault) -> anyhow::Result<()> {
        let strike = self.shared.strike.lock().expect("nobody panics with it").clone();
        strike.context("nobody said what this fault does")?(fault).await
    }
}

/// Passes on what Redis says: replies, each in the way that was chosen for it, and messages of channels, which nobody asked
/// for.
async fn pass_replies(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    mut order: mpsc::UnboundedReceiver<Reply>,
) -> anyhow::Result<()> {
    let (mut buffer, mut owed) = (BytesMut::new(), VecDeque::new());
    loop {
        tokio::select! {
            reply = order.recv() => owed.push_back(reply.context("no more commands")?),
            frame = next_reply(&mut server, &mut buffer) => {
                let (is_message, raw) = frame?;
                if !is_message {
                    // It was put there before its command was sent.
                    while let Ok(reply) = order.try_recv() {
                        owed.push_back(reply);
                    }
                    match owed.pop_front() {
                        Some(Reply::Cut) => return Ok(()),
                        Some(Reply::Late(late)) => tokio::time::sleep(late).await,
                        _ => {}
                    }
                }
                client.write_all(&raw).await?;
            }
        }
    }
}

/// The next thing that Redis says, whether it is a message of a channel, and its bytes.
async fn next_reply(from: &mut OwnedReadHalf, buffer: &mut BytesMut) -> anyhow::Result<(bool, Vec<u8>)> {
    loop {
        let found = match decode(buffer) {
            Ok(found) => found.map(|(_, length)| (false, length)),
            // What RESP 2 does not have.
            Err(_) => resp3(buffer)?.map(|(frame, length)| (matches!(frame, Resp3::Push { .. }), length)),
        };
        if let Some((is_push, length)) = found {
            let raw = buffer[..length].to_vec();
            buffer.advance(length);
            // The confirmation of a subscription is a reply.
            return Ok((is_push && !raw.windows(9).any(|word| word == b"subscribe"), raw));
        }
        anyhow::ensure!(from.read_buf(buffer).await? > 0, "the connection has ended");
    }
}

/// The next frame, and its bytes.
async fn next_frame(from: &mut OwnedReadHalf, buffer: &mut BytesMut) -> anyhow::Result<(OwnedFrame, Vec<u8>)> {
    loop {
        if let Some((frame, length)) = decode(buffer)? {
            let raw = buffer[..length].to_vec();
            buffer.advance(length);
            return Ok((frame, raw));
        }
        anyhow::ensure!(from.read_buf(buffer).await? > 0, "the connection has ended");
    }
}

/// A command that does nothing and is answered with this error.
fn refused(error: &str) -> Vec<u8> {
    redis::cmd("EVAL").arg("return redis.error_reply(ARGV[1])").arg(0).arg(error).get_packed_command()
}

/// The words of a command.
fn words(frame: &OwnedFrame) -> VecDeque<String> {
    let OwnedFrame::Array(words) = frame else { return VecDeque::new() };
    words.iter().map(|word| word.as_str().map_or_else(String::new, str::to_owned)).collect()
}

/// What a command is called: a script by its name.
fn name(frame: &OwnedFrame) -> String {
    let words = words(frame);
    let name = words.front().map(|name| name.to_ascii_uppercase()).unwrap_or_default();
    let script = words
        .get(1)
        .and_then(|text| scripts::ALL.iter().find(|script| [script.sha(), script.source()].contains(&text.as_str())));
    script.map_or(name.clone(), |script| format!("{name} {}", script.name))
}

/// The slot of a command, by its first key.
fn slot(frame: &OwnedFrame) -> u16 {
    let tag = words(frame).iter().find_map(|word| Some(word.split_once('{')?.1.split_once('}')?.0.to_owned()));
    larder_protocol::Partition::all()
        .find(|p| Some(p.tag()) == tag.as_deref())
        .map_or(0, larder_protocol::Partition::slot)
}
