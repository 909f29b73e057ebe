//! Who runs which task: a consumer group over a room's journal, whose partitions are the room's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, Rebalance};
use rdkafka::{ClientConfig, TopicPartitionList};

use super::inputs::is_passing;
use super::topics::fault;
use super::{Shared, journal, lag};
use crate::Fault;
use crate::clock::Stopwatch;
use crate::embedded::Stop;

/// The longest pause before a task that failed is started again.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// A task that ran for so long before it failed is started again at once.
const RAN_WELL: Duration = Duration::from_secs(30);

/// How often a process asks whether the room has come to its end.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// What a task and its member tell each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// Asks the task to commit, store its state and end.
    pub(super) stop: Stop,
    /// How often the task has committed that all of its inputs had come to their end.
    n_ends: Arc<AtomicU64>,
}

impl Line {
    pub(super) fn has_ended(&self, n_ends: u64) {
        self.n_ends.store(n_ends, Ordering::Relaxed);
    }
}

/// Runs one partition until it is asked to stop.
pub(super) type Task<P> = Arc<dyn Fn(&Arc<Shared<P>>, u32, &Line) -> Result<(), Fault> + Send + Sync>;

struct Running {
    line: Line,
    thread: std::thread::JoinHandle<Result<(), Fault>>,
    since: Stopwatch,
}

#[derive(Default)]
struct Tasks {
    running: BTreeMap<u32, Running>,
    /// When a task that failed is started again, and how often it has failed in a row.
    waiting: BTreeMap<u32, (Stopwatch, u32)>,
    failures: BTreeMap<u32, u32>,
    assigned: BTreeSet<u32>,
}

/// A member of the group; librdkafka tells it what it is given and what it loses.
struct Member<P: 'static> {
    shared: Arc<Shared<P>>,
    room: &'static str,
    task: Task<P>,
    tasks: Mutex<Tasks>,
}

impl<P: 'static> ClientContext for Member<P> {
    fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
        tracing::warn!(target: "librdkafka", room = self.room, %error, reason, "the connection has trouble");
    }
}

impl<P: Send + Sync + 'static> ConsumerContext for Member<P> {
    /// Before a partition goes to somebody else, its task commits and stores its state.
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(lost) = rebalance {
            self.lose(&partitions(lost));
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(given) => {
                // The journal itself is read by the tasks.
                if let Err(error) = consumer.pause(given) {
                    tracing::warn!(room = self.room, %error, "cannot pause the journal");
                }
                self.gain(&partitions(given));
            }
            Rebalance::Revoke(_) => {}
            Rebalance::Error(error) => tracing::warn!(room = self.room, %error, "the group has trouble"),
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<u32> {
    list.elements().iter().filter_map(|element| u32::try_from(element.partition()).ok()).collect()
}

impl<P: Send + Sync + 'static> Member<P> {
    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn gain(&self, partitions: &[u32]) {
        let mut tasks = self.tasks();
        for partition in partitions {
            tasks.assigned.insert(*partition);
            self.start(&mut tasks, *partition);
        }
        let meter = self.shared.meters.room(self.room);
        meter.holds(tasks.assigned.len(), tasks.waiting.len());
        meter.ready();
        tracing::info!(room = self.room, ?partitions, "takes over");
    }

    fn lose(&self, partitions: &[u32]) {
        let mut tasks = self.tasks();
        let lost: Vec<Running> = partitions.iter().filter_map(|partition| tasks.running.remove(partition)).collect();
        lost.iter().for_each(|task| task.line.stop.now());
        for task in lost {
            if let Ok(Err(fault)) = task.thread.join() {
                tracing::warn!(room = self.room, %fault, "a task that was handed over did not commit its last records");
            }
        }
        for partition in partitions {
            tasks.assigned.remove(partition);
            tasks.waiting.remove(partition);
        }
        tracing::info!(room = self.room, ?partitions, "hands over");
    }

    fn start(&self, tasks: &mut Tasks, partition: u32) {
        let (shared, task, line) = (Arc::clone(&self.shared), Arc::clone(&self.task), Line::default());
        let told = line.clone();
        let name = format!("{}-{partition}", self.room);
        let spawned = std::thread::Builder::new().name(name).spawn(move || task(&shared, partition, &told));
        match spawned {
            Ok(thread) => {
                tasks.running.insert(partition, Running { line, thread, since: Stopwatch::start() });
            }
            Err(error) => {
                tracing::error!(room = self.room, partition, %error, "cannot start a thread; tries again");
                tasks.waiting.insert(partition, (Stopwatch::start(), 1));
            }
        }
    }

    /// Looks after tasks that have ended: what may come right starts anew.
    fn look_after(&self) -> Result<(), Fault> {
        let mut tasks = self.tasks();
        let ended: Vec<u32> = tasks
            .running
            .iter()
            .filter(|(_, task)| task.thread.is_finished())
            .map(|(partition, _)| *partition)
            .collect();
        for partition in ended {
            let Some(task) = tasks.running.remove(&partition) else { continue };
            match task.thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(fault @ Fault::Kafka { is_passing: true, .. })) => {
                    let n = tasks.failures.entry(partition).or_default();
                    *n = if task.since.elapsed() > RAN_WELL { 1 } else { *n + 1 };
                    let n = *n;
                    tracing::warn!(room = self.room, partition, n, %fault, "starts anew from its last commit");
                    self.shared.meters.room(self.room).restarted();
                    tasks.waiting.insert(partition, (Stopwatch::start(), n));
                }
                Ok(Err(fault)) => return Err(fault),
                Err(_) => return Err(Fault::Panicked(format!("{}-{partition}", self.room))),
            }
        }
        let pause = |n: u32| MAX_PAUSE.min(Duration::from_millis(200).saturating_mul(1 << n.min(10)));
        let due: Vec<u32> = tasks
            .waiting
            .iter()
            .filter(|(_, (since, n))| since.elapsed() >= pause(*n))
            .map(|(partition, _)| *partition)
            .collect();
        for partition in due {
            tasks.waiting.remove(&partition);
            self.start(&mut tasks, partition);
        }
        self.shared.meters.room(self.room).holds(tasks.assigned.len(), tasks.waiting.len());
        Ok(())
    }

    /// Whether the room has come to its end, as often as the source: the tasks here, and those of other processes.
    fn has_ended(&self, n_tasks: u32, n_before: u64) -> Result<bool, Fault> {
        if !self.shared.may_end(self.room) {
            return Ok(false);
        }
        let Some(wanted) = journal::source_ends(&self.shared.options, self.shared.source)? else { return Ok(false) };
        let has_ended = |task: &Running| task.line.n_ends.load(Ordering::Relaxed) >= wanted;
        let tasks = self.tasks();
        if self.room == self.shared.source && wanted <= n_before && tasks.running.is_empty() {
            return Ok(false);
        }
        let are_mine = tasks.waiting.is_empty() && tasks.running.values().all(has_ended);
        drop(tasks);
        Ok(are_mine && journal::have_all_ended(&self.shared.options, wanted, self.room, n_tasks)?)
    }
}

/// Joins a room's group and runs the tasks of the partitions it is given.
pub(super) fn run<P: Send + Sync + 'static>(
    shared: &Arc<Shared<P>>,
    room: &'static str,
    n_tasks: u32,
    task: Task<P>,
) -> Result<(), Fault> {
    let options = &shared.options;
    let config: ClientConfig = options.client.member(&options.group(room), options.session_timeout);
    let member = Member { shared: Arc::clone(shared), room, task, tasks: Mutex::default() };
    let consumer: BaseConsumer<Member<P>> =
        config.create_with_context(member).map_err(|error| fault("cannot join the group", error))?;
    let topic = options.journal(room);
    consumer.subscribe(&[&topic]).map_err(|error| fault("cannot join the group", error))?;
    // What the source ended with before this process began is no end of this run, unless its task here finds nothing behind it.
    let n_before = if room == shared.source { journal::source_ends(options, room)?.unwrap_or_default() } else { 0 };
    let meter = shared.meters.room(room);
    let (mut asked, mut told) = (Stopwatch::start(), Stopwatch::start());
    let result = loop {
        match consumer.poll(Duration::from_millis(50)) {
            Some(Err(error)) if !is_passing(&error) => tracing::warn!(room, %error, "the group has trouble"),
            _ => {}
        }
        if told.elapsed() >= lag::TELL_EVERY {
            lag::tell(&consumer, room, &meter, &consumer.context().tasks().assigned);
            told = Stopwatch::start();
        }
        if shared.stop.is_asked() {
            break Ok(());
        }
        let looked = consumer.context().look_after();
        if looked.is_err() {
            break looked;
        }
        if options.once && asked.elapsed() >= ASK_EVERY {
            match consumer.context().has_ended(n_tasks, n_before) {
                Ok(true) => break Ok(()),
                Ok(false) => asked = Stopwatch::start(),
                Err(fault) => break Err(fault),
            }
        }
    };
    let member = Arc::clone(consumer.context());
    let all = member.tasks().assigned.clone();
    member.lose(&all.iter().copied().collect::<Vec<_>>());
    lag::tell(&consumer, room, &meter, &all);
    consumer.unsubscribe();
    result
}
