//! `parlor batch`: many questions, answered so many at once, to be gone on with.

mod answers;
mod bar;
mod follow;
mod questions;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parlor::agent::{Batch, BatchRun, KeptTurn, Progress};
use parlor::layers::rate_limit::{OnLimit, RateLimitLayer, RateLimitPolicy};
use parlor::{ChatRequest, ChatResponse, Error, Layer as _, OutputFormat, OutputSchema, Registry};

use super::chat::{self, answer};
use crate::args::BatchArgs;
use crate::choose::{self, Chosen, Wish};
use crate::failure::{self, Failure};
use crate::keeper::Shelf;
use crate::output::JsonOutput;
use crate::template::{self, Template};
use crate::terminal::Terminal;
use crate::{interrupt, schema, setup};
use answers::{AnswerFile, Answers, InOrder};
use bar::Bar;
use questions::Question;

/// The shortest and the longest time between two questions to the provider.
const POLL: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// Asks all, and writes the answers.
pub(crate) fn batch(args: &BatchArgs) -> Result<(), Failure> {
    let terminal = Terminal::find(args.common.plain, args.common.quiet);
    let template = args.template.template.as_deref().map(template::load);
    let template = template.transpose()?;
    let shape = args.schema.as_deref().map(schema::schema).transpose()?;
    let shape = shape.or_else(|| template.as_ref()?.schema.clone());
    let thinking = template.as_ref().filter(|it| it.thinks);
    if let Some(template) = thinking {
        if shape.is_some() {
            return Err(template.is_in_words());
        }
        if args.provider_batch {
            let fact = "a provider's batch reads no reasoning apart";
            let name = &template.name;
            return Err(Failure::usage(fact).help(format!(
                "leave out --provider-batch, or the template {name}"
            )));
        }
    }
    let registry = setup::registry(args.common.config.as_deref())?;
    let runtime = setup::runtime()?;
    let named = template.as_ref().and_then(|it| it.model.as_deref());
    let wish = Wish {
        model: args.model.as_deref().or(named),
        base_url: args.base_url.as_deref(),
        held: None,
        force: args.force_model,
    };
    let chosen = runtime.block_on(choose::choose(&registry, wish))?;
    let notices = chosen.notice().into_iter().chain(chosen.warnings());
    let retired = chosen.targets().filter_map(failure::retired);
    let retired = retired.map(|it| format!("warning: {it}"));
    let asked = match (&shape, thinking) {
        (Some(shape), _) => format!("{} {}", chosen.resolved.id(), shape.schema),
        (None, Some(_)) => format!("{} think", chosen.resolved.id()),
        (None, None) => chosen.resolved.id(),
    };
    let questions = questions::read(args, template.as_ref(), &asked)?;
    let answers = match &args.out {
        Some(path) => Answers::File(AnswerFile::open(path, &questions)?),
        None => Answers::Stdout(InOrder::default()),
    };
    notices
        .chain(retired)
        .for_each(|notice| terminal.notice(notice));
    let open: Vec<usize> = (0..questions.len())
        .filter(|at| !answers.has(*at))
        .collect();
    let reused = questions.len() - open.len();
    let shares = args.out.is_none() && terminal.stdout;
    let bar = Bar::new(terminal, shares, questions.len(), reused);
    let asking = Asking {
        output: JsonOutput::new(&chosen, None, false),
        chosen: &chosen,
        questions: &questions,
        open,
        answers,
        bar,
        shelf: Shelf::default(),
        used: Vec::new(),
        is_counted: true,
        is_discounted: args.provider_batch,
        unread: shape.clone().filter(|_| args.provider_batch),
        elsewhere: Elsewhere::of(args),
        in_a_row: 0,
        end: None,
    };
    if asking.open.is_empty() {
        return asking.finish(false);
    }
    let mut interrupts = interrupt::watch(None).map_err(setup::cannot_wait)?;
    interrupts.busy();
    let ended = runtime.block_on(async {
        let batch = Batch::new();
        let stopper = batch.stopper();
        let run = match args.provider_batch {
            true => asking.hand_in(args, batch, &registry, shape)?,
            false => asking.ask(args, batch, &registry, (shape, thinking))?,
        };
        asking.follow(run, stopper, &mut interrupts).await
    });
    runtime.shutdown_background();
    ended
}

/// A batch on its way.
struct Asking<'a> {
    chosen: &'a Chosen,
    output: JsonOutput,
    questions: &'a [Question],
    /// The places of the questions that are asked.
    open: Vec<usize>,
    answers: Answers,
    bar: Bar,
    shelf: Shelf,
    /// What was used and isn't counted yet.
    used: Vec<KeptTurn>,
    /// Whether what is used can be counted.
    is_counted: bool,
    /// Whether the price isn't the one that is known.
    is_discounted: bool,
    /// The schema that answers of a provider's batch must keep to.
    unread: Option<OutputSchema>,
    /// A provider's batch, where it is one.
    elsewhere: Option<Elsewhere>,
    /// How many in a row failed by the host's own fault.
    in_a_row: u32,
    /// Why it ends before all are asked.
    end: Option<Failure>,
}

/// A batch that a provider answers.
struct Elsewhere {
    /// Where it is written down: beside the answers.
    path: PathBuf,
    /// How far it was when it was last asked for.
    told: Arc<Mutex<Option<Progress>>>,
}

impl Elsewhere {
    fn of(args: &BatchArgs) -> Option<Self> {
        let mut path = args.out.clone()?.into_os_string();
        path.push(".batch");
        args.provider_batch.then(|| Self {
            path: path.into(),
            told: Arc::default(),
        })
    }
}

impl<'a> Asking<'a> {
    /// Asks the model for each, so many at once.
    fn ask(
        &self,
        args: &BatchArgs,
        batch: Batch,
        registry: &Registry,
        (shape, thinking): (Option<OutputSchema>, Option<&Template>),
    ) -> Result<BatchRun<'static, ChatResponse>, Failure> {
        let mut model = self.chosen.build(registry, |_| {}, |_| {})?;
        if let Some(template) = thinking {
            model = template.model(model);
        }
        if let Some(rate) = args.rate {
            let mut policy = RateLimitPolicy::requests_per_minute(rate);
            policy.on_limit = OnLimit::wait_for_ever();
            policy.max_waiting = usize::MAX;
            model = RateLimitLayer::new(policy).layer(model);
        }
        let requests = self.requests();
        let concurrency = usize::try_from(args.concurrency).unwrap_or(usize::MAX);
        let run = batch
            .with_concurrency(concurrency)
            .run(0..requests.len(), move |at| {
                let (model, shape) = (Arc::clone(&model), shape.clone());
                let request = requests.get(at).cloned().unwrap_or_default();
                async move { answer(&*model, &request, shape.as_ref()).await }
            });
        Ok(run?)
    }

    /// Hands them in as one batch of the provider.
    fn hand_in(
        &self,
        args: &BatchArgs,
        mut batch: Batch,
        registry: &Registry,
        shape: Option<OutputSchema>,
    ) -> Result<BatchRun<'static, ChatResponse>, Failure> {
        let resolved = &self.chosen.resolved;
        let failed = |error: Error| {
            let context = self.chosen.context(error.provider(), error.model());
            Failure::of(error, &context)
        };
        let batches = registry.batches(&resolved.id()).map_err(failed)?;
        let requests = self.requests().into_iter().map(|request| {
            let mut request = ChatRequest::clone(&request);
            if let Some(shape) = &shape {
                request.output = Some(OutputFormat::JsonSchema(shape.clone()));
            }
            request
        });
        let (first, most) = args.poll.map_or(POLL, |every| (every, every));
        let (stopper, leaves) = (batch.stopper(), args.no_wait);
        let requests: Vec<ChatRequest> = requests.collect();
        let model = resolved.model.clone();
        // Before it is written down as an answer, so that it is asked again if it is none.
        let judge = move |answer: ChatResponse| match (chat::unanswered(&answer, &model), &shape) {
            (Some(error), _) => Err(error),
            (None, Some(shape)) => chat::read(answer, shape),
            (None, None) => Ok(answer),
        };
        batch = batch.with_polling(first, most).with_judge(judge);
        if let Some(Elsewhere { path, told }) = &self.elsewhere {
            let told = Arc::clone(told);
            batch = batch.with_file(path).with_progress(move |progress| {
                if leaves && progress.provider.is_some() {
                    stopper.stop();
                }
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(*progress);
            });
        }
        if args.resubmit {
            batch = batch.submitting_anew();
        }
        let run = batch.ask_provider(batches, requests);
        run.map_err(failed)
    }

    fn requests(&self) -> Vec<Arc<ChatRequest>> {
        let asked = self.open.iter().filter_map(|at| self.questions.get(*at));
        asked.map(|it| Arc::clone(&it.request)).collect()
    }
}
