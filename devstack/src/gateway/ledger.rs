//! The books on disk: one JSON line per entry, appended, and on disk before anybody is told.
//!
//! One thread writes. Whatever has come together while it was busy is written and synced at once, so
//! that a thousand payments a second cost some hundred syncs. Whoever only reads waits for the
//! entries before it too: nobody is told of a thing that a crash could still undo.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Seek, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    book::{Book, Refusal},
    entry::Entry,
};

/// Calls waiting for the disk at once; more wait for their turn to be queued.
const QUEUE: usize = 4_096;

/// Entries written by one sync.
const MOST_AT_ONCE: usize = 1_024;

/// The books could not be read, or not be written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be used.
    #[error("the ledger {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line in the middle is not an entry.
    #[error(
        "the ledger {} is damaged in line {line} ({source}); move it away to begin with empty books",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// A write failed earlier. What memory holds may not be on disk, so nothing more is said.
    #[error("the ledger could not be written; see the log of the gateway")]
    Lost,
}

/// Durable books.
#[derive(Clone)]
pub(super) struct Ledger {
    book: Arc<Mutex<Book>>,
    writer: mpsc::Sender<Job>,
}

/// An answer of the books, once it is on disk.
pub(super) struct Settled<T> {
    pub(super) answer: T,
    /// Whether the call changed the books, or found that it had done so before.
    pub(super) is_new: bool,
}

/// Work for the writer, who says when it is done.
struct Job {
    work: Work,
    done: oneshot::Sender<()>,
}

enum Work {
    /// An entry to append.
    Append(Vec<u8>),
    /// Nothing but the wish to know that all before it is on disk.
    Settle,
    /// The last job: after it the file is free for another gateway.
    Close,
}

impl Ledger {
    /// Reads the books from the file, which is made if there is none, and starts their writer.
    pub(super) fn open(path: &Path) -> Result<Self, LedgerError> {
        let failed = |source| LedgerError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let options = File::options().read(true).append(true).create(true).clone();
        let file = options.open(path).map_err(failed)?;
        // Two gateways with one ledger would each miss what the other writes.
        file.try_lock().map_err(|error| failed(error.into()))?;
        let book = replay(&file, path)?;
        let (writer, jobs) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || write_all(file, jobs))
            .map_err(failed)?;
        Ok(Self {
            book: Arc::new(Mutex::new(book)),
            writer,
        })
    }

    /// Lets `decide` say what happens to the books, applies it, and returns what `answer` then reads
    /// from them, once all of it is on disk.
    pub(super) async fn change<T>(
        &self,
        decide: impl FnOnce(&Book) -> Result<Option<Entry>, Refusal>,
        answer: impl FnOnce(&Book) -> Result<T, Refusal>,
    ) -> Result<Result<Settled<T>, Refusal>, LedgerError> {
        // A place in the queue comes first: entries are queued in the order in which they are applied.
        let place = self
            .writer
            .reserve()
            .await
            .map_err(|_writer_has_gone| LedgerError::Lost)?;
        let (done, is_done) = oneshot::channel();
        let outcome = {
            let mut book = self
                .book
                .lock()
                .expect("no code panics while it holds this lock");
            let decision = decide(&book);
            let entry = decision.as_ref().ok().and_then(Option::as_ref);
            let work = entry.map_or(Work::Settle, |entry| Work::Append(to_line(entry)));
            place.send(Job { work, done });
            decision.and_then(|entry| {
                let is_new = entry.is_some();
                if let Some(entry) = entry {
                    book.apply(entry);
                }
                Ok(Settled {
                    answer: answer(&book)?,
                    is_new,
                })
            })
        };
        is_done
            .await
            .map_err(|_writer_has_gone| LedgerError::Lost)?;
        Ok(outcome)
    }

    /// Closes the file. Calls that come later are answered with an error.
    pub(super) async fn close(&self) {
        let (done, is_done) = oneshot::channel();
        if self
            .writer
            .send(Job {
                work: Work::Close,
                done,
            })
            .await
            .is_ok()
        {
            // A writer that has gone has closed the file too.
            let _ = is_done.await;
        }
    }

    /// Reads from the books what is on disk already, or will be in a moment.
    pub(super) async fn read<T>(&self, read: impl FnOnce(&Book) -> T) -> Result<T, LedgerError> {
        let settled = self.change(|_| Ok(None), |book| Ok(read(book))).await?;
        Ok(settled.expect("reading is never refused").answer)
    }
}

fn to_line(entry: &Entry) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("an entry has only strings and numbers");
    line.push(b'\n');
    line
}

/// Applies all entries of the file. A last line without its end is what a crash in the middle of a
/// write leaves; nobody was told of it, so it is cut off.
fn replay(file: &File, path: &Path) -> Result<Book, LedgerError> {
    let failed = |source| LedgerError::File {
        path: path.to_owned(),
        source,
    };
    let mut reader = BufReader::new(file);
    reader.rewind().map_err(failed)?;
    let mut book = Book::default();
    let mut line = Vec::new();
    let (mut whole_bytes, mut number) = (0, 0);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        number += 1;
        if line.last() != Some(&b'\n') {
            if length > 0 {
                tracing::warn!(
                    line = number,
                    "the last entry of the ledger is incomplete; cut off"
                );
                file.set_len(whole_bytes).map_err(failed)?;
            }
            return Ok(book);
        }
        book.apply(
            serde_json::from_slice(&line).map_err(|source| LedgerError::Damaged {
                path: path.to_owned(),
                line: number,
                source,
            })?,
        );
        whole_bytes += u64::try_from(length).unwrap_or(u64::MAX);
    }
}

/// The writer's thread. Ends when the gateway does, or when the disk fails: then every later call is
/// answered with an error, because memory may hold what the disk does not.
fn write_all(mut file: File, mut jobs: mpsc::Receiver<Job>) {
    let mut batch = Vec::with_capacity(MOST_AT_ONCE);
    while jobs.blocking_recv_many(&mut batch, MOST_AT_ONCE) > 0 {
        if let Err(error) = write_batch(&mut file, &batch) {
            tracing::error!(error = %error, "the ledger cannot be written; no more calls are taken");
            return;
        }
        if batch.iter().any(|job| matches!(job.work, Work::Close)) {
            drop(file);
            tell(&mut batch);
            return;
        }
        tell(&mut batch);
    }
}

fn tell(batch: &mut Vec<Job>) {
    for job in batch.drain(..) {
        // Whoever asked may have gone; the entry counts all the same.
        let _ = job.done.send(());
    }
}

fn write_batch(file: &mut File, batch: &[Job]) -> io::Result<()> {
    let mut lines = Vec::new();
    for job in batch {
        if let Work::Append(line) = &job.work {
            lines.extend_from_slice(line);
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    file.write_all(&lines)?;
    file.sync_data()
}
