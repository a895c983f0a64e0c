//! `snapshot save`.

use super::output::{print, stream, unless_closed};
use crate::cli::{self, SnapshotCommand, SnapshotSave};
use crate::commands::source;
use crate::model::time::Timestamp;
use crate::picture::mask::Mask;
use crate::picture::{Header, TargetPicture, UsageSpan, file};
use crate::report::human;
use crate::whole::{self, OWNER};
use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fmt::{self, Display};
use std::fs;
use std::io::{self, BufWriter, Write};

/// Writes the picture to a file.
pub fn snapshot(args: cli::Snapshot) -> Result<()> {
    let SnapshotCommand::Save(args) = args.command;
    let name = args.file.display().to_string();
    if let Some(stream) = stream(&args.file)? {
        let saved = save(&args, stream).with_context(|| format!("{name}: cannot be written"));
        // Whoever reads it wants nothing else in it.
        return unless_closed(saved.map(|saved| eprintln!("{name}: {saved}")));
    }
    let saved = whole::replace(&args.file, Some(OWNER), |file| save(&args, file));
    let saved = saved.with_context(|| format!("{name}: cannot be written"))?;
    let bytes = fs::metadata(&args.file).map(|file| file.len()).unwrap_or(0);
    print(&format!("{name} ({} bytes): {saved}\n", human::grouped(bytes as f64)))
}

/// What was written.
struct Saved {
    targets: usize,
    ids: usize,
    /// Of usage, at most.
    seconds: u64,
    /// Targets of which something could not be read.
    unread: usize,
    taken: Timestamp,
}

impl Display for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Saved { targets, ids, seconds, unread, taken } = *self;
        let (targets, ids) = (human::count(targets, "target"), human::count(ids, "invocation id"));
        let (usage, until) = (human::duration(seconds), human::minute(taken));
        write!(f, "{targets}, {ids}, {usage} of usage until {until}")?;
        if unread > 0 {
            write!(f, "; {} not wholly read", human::count(unread, "target"))?;
        }
        Ok(())
    }
}

fn save(args: &SnapshotSave, file: impl Write) -> Result<Saved> {
    let file = BufWriter::new(file);
    let compressed = args.file.extension().is_some_and(|extension| extension == "gz");
    let mut out = if compressed {
        Out::Compressed(Box::new(GzEncoder::new(file, Compression::fast())))
    } else {
        Out::Plain(file)
    };
    let mut mask = args.mask.then(Mask::default);
    let mut saved = Saved { targets: 0, ids: 0, seconds: 0, unread: 0, taken: Timestamp::default() };
    source::read(
        &args.source,
        source::Since::or_day(args.since),
        &mut |header: &Header, picture: TargetPicture| {
            if saved.targets == 0 {
                let header = mask.as_mut().map_or(header.clone(), |mask| mask.header(header));
                file::write_header(&mut out, &header)?;
            }
            saved.taken = header.taken;
            saved.targets += 1;
            saved.ids += picture.usage.as_ref().map_or(0, |usage| usage.ids.len());
            let minutes = picture.usage.as_ref().map_or(0, UsageSpan::len);
            saved.seconds = saved.seconds.max(60 * minutes as u64);
            saved.unread += usize::from(!picture.troubles.is_empty());
            let picture = match &mut mask {
                Some(mask) => mask.apply(picture),
                None => picture,
            };
            Ok(file::write_target(&mut out, &picture)?)
        },
    )?;
    file::write_end(&mut out, saved.targets)?;
    out.finish()?;
    Ok(saved)
}

/// A file that is written, maybe compressed.
enum Out<W: Write> {
    Plain(BufWriter<W>),
    Compressed(Box<GzEncoder<BufWriter<W>>>),
}

impl<W: Write> Out<W> {
    fn finish(self) -> io::Result<()> {
        match self {
            Out::Plain(mut file) => file.flush(),
            Out::Compressed(file) => file.finish()?.flush(),
        }
    }
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Out::Plain(file) => file.write(bytes),
            Out::Compressed(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Out::Plain(file) => file.flush(),
            Out::Compressed(file) => file.flush(),
        }
    }
}
