//! The published form: compressed once, kept compressed.

use super::export::Export;
use super::render::render;
use crate::model::snapshot::Snapshot;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc, CrcWriter, read::DeflateDecoder};
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::sync::Arc;

/// Magic, deflate, no flags, no time, fastest algorithm, unknown system (RFC 1952).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// An empty last block: ends a deflate stream that was only flushed.
const LAST_BLOCK: [u8; 2] = [3, 0];
const CHUNK: usize = 64 * 1024;

/// A rendered snapshot: the beginning of one gzip member that the exporter's own metrics end, scrape by
/// scrape. Two members in a row are valid too, but curl and browsers show only the first.
#[derive(Clone)]
pub struct Rendered {
    /// Header, and deflate blocks up to a byte boundary.
    head: Arc<Page>,
    /// Checksum and length of the plain text.
    crc: Arc<Crc>,
    pub series: usize,
}

/// Bytes in pieces of 64 KiB: a fleet's page has megabytes, and would be copied whole as it grew.
#[derive(Default)]
struct Page(Vec<Vec<u8>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.last_mut() {
            Some(piece) if piece.len() < CHUNK => {
                let fits = bytes.len().min(CHUNK - piece.len());
                piece.extend_from_slice(&bytes[..fits]);
                Ok(fits)
            }
            _ => {
                self.0.push(Vec::new());
                self.write(bytes)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One piece, which keeps its page.
pub struct Piece {
    page: Arc<Page>,
    number: usize,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.page.0[self.number]
    }
}

/// What is left to read of a page.
struct Unread {
    page: Arc<Page>,
    number: usize,
    offset: usize,
}

impl Read for Unread {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.page.0.get(self.number) {
            let count = (&piece[self.offset..]).read(out)?;
            self.offset += count;
            if count > 0 || out.is_empty() {
                return Ok(count);
            }
            (self.number, self.offset) = (self.number + 1, 0);
        }
        Ok(0)
    }
}

/// Renders and compresses in one stream; the plain text is never in memory as a whole.
///
/// # Errors
/// A page that does not inflate to what was rendered: it must not be served.
pub fn compress(snapshot: &Snapshot, export: &Export) -> io::Result<Rendered> {
    Rendered::new(|mut out| render(&mut out, snapshot, export))
}

impl Rendered {
    /// The page that `write` writes; it returns the number of series.
    ///
    /// # Errors
    /// Those of `write`, and a page that does not inflate to what was written.
    pub fn new(write: impl FnOnce(&mut dyn Write) -> io::Result<usize>) -> io::Result<Rendered> {
        let mut page = Page::default();
        page.write_all(&GZIP_HEADER)?;
        let deflate = DeflateEncoder::new(page, Compression::fast());
        let mut out = BufWriter::with_capacity(CHUNK, CrcWriter::new(deflate));
        let series = write(&mut out)?;
        let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let mut crc = Crc::new();
        crc.combine(out.crc());
        let page = out.into_inner().flush_finish()?;
        let rendered = Rendered { head: Arc::new(page), crc: Arc::new(crc), series };
        rendered.check()?;
        Ok(rendered)
    }

    /// Inflates the page once before anybody is sent it: length and checksum must be those of the text.
    fn check(&self) -> io::Result<()> {
        let mut inflated = CrcWriter::new(io::sink());
        io::copy(&mut self.inflate(), &mut inflated)?;
        let (found, expected) = (inflated.crc(), &self.crc);
        if (found.amount(), found.sum()) != (expected.amount(), expected.sum()) {
            let message = format!("{} of {} bytes can be read", found.amount(), expected.amount());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(())
    }

    /// The parts of a gzip body whose text is the rendered snapshot and then `own`.
    pub fn gzip(&self, own: &str) -> (impl Iterator<Item = Piece> + use<>, Vec<u8>) {
        let mut crc = Crc::new();
        crc.update(own.as_bytes());
        let mut whole = Crc::new();
        whole.combine(&self.crc);
        whole.combine(&crc);
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(own.as_bytes()).expect("a Vec takes every write");
        let mut tail = deflate.finish().expect("a Vec takes every write");
        tail.extend_from_slice(&whole.sum().to_le_bytes());
        tail.extend_from_slice(&whole.amount().to_le_bytes());
        let page = self.head.clone();
        ((0..page.0.len()).map(move |number| Piece { page: page.clone(), number }), tail)
    }

    /// The rendered snapshot as plain text, inflated chunk by chunk while it is sent.
    pub fn plain(&self) -> Plain {
        Plain(self.inflate())
    }

    fn inflate(&self) -> DeflateDecoder<Stream> {
        let head = Unread { page: self.head.clone(), number: 0, offset: GZIP_HEADER.len() };
        DeflateDecoder::new(head.chain(Cursor::new(LAST_BLOCK)))
    }

    /// Bytes kept.
    pub fn size(&self) -> usize {
        self.head.0.iter().map(Vec::len).sum()
    }
}

/// Plain text in chunks of up to 64 KiB.
pub struct Plain(DeflateDecoder<Stream>);

/// The kept blocks, and the one that ends them.
type Stream = io::Chain<Unread, Cursor<[u8; 2]>>;

impl Iterator for Plain {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        let mut chunk = Vec::with_capacity(CHUNK);
        match self.0.by_ref().take(CHUNK as u64).read_to_end(&mut chunk) {
            Ok(0) => None,
            Ok(_) => Some(Ok(chunk)),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Rendered {
        Rendered::new(|out| out.write_all(text.as_bytes()).map(|()| 0)).unwrap()
    }

    #[test]
    fn a_page_that_lost_its_end_or_a_byte_is_refused() {
        let whole = page(&"metric{label=\"value\"} 1\n".repeat(5_000));
        whole.check().unwrap();
        let broken = |change: fn(&mut Vec<u8>)| {
            let mut pieces = whole.head.0.clone();
            change(pieces.last_mut().unwrap());
            Rendered { head: Arc::new(Page(pieces)), ..whole.clone() }.check()
        };
        broken(|piece| piece.truncate(piece.len() - 30)).unwrap_err();
        broken(|piece| *piece = piece[..piece.len() / 2].to_vec()).unwrap_err();
        broken(|piece| piece.truncate(GZIP_HEADER.len())).unwrap_err();
        let other = Rendered { crc: page("another text").crc, ..whole.clone() };
        assert_eq!(other.check().unwrap_err().to_string(), "120000 of 12 bytes can be read");
    }
}
