//! Pages of random content and size, inflated by another program: what is sent is what was rendered.

use bedrock_quota_exporter::exposition::Rendered;
use std::io::{self, BufWriter, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Reads plain text and gzip body, each behind its length, and says how many pages were not the same.
const INFLATE: &str = "
import sys, zlib
pages = broken = 0
while size := sys.stdin.buffer.read(4):
    plain = sys.stdin.buffer.read(int.from_bytes(size, 'little'))
    body = sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), 'little'))
    gzip = zlib.decompressobj(31)
    try:
        # Some byte by byte, as a slow network brings them.
        few = pages % 50 == 0
        parts = (body[at:at + 1] for at in range(len(body))) if few else [body]
        text = b''.join(gzip.decompress(part) for part in parts) + gzip.flush()
        same = text == plain and gzip.eof and not gzip.unused_data
    except zlib.error:
        same = False
    pages, broken = pages + 1, broken + (not same)
print(pages, broken)
";

/// A program that inflates pages: Python's zlib.
pub struct Inflater {
    child: Child,
    pages: BufWriter<ChildStdin>,
}

impl Inflater {
    pub fn start() -> Inflater {
        let mut child = Command::new("python3")
            .args(["-c", INFLATE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("python3: {error}"));
        let pages = BufWriter::new(child.stdin.take().unwrap());
        Inflater { child, pages }
    }

    pub fn check(&mut self, plain: &[u8], body: &[u8]) -> io::Result<()> {
        for part in [plain, body] {
            self.pages.write_all(&u32::try_from(part.len()).unwrap().to_le_bytes())?;
            self.pages.write_all(part)?;
        }
        Ok(())
    }

    /// `PAGES BROKEN`.
    pub fn end(self) -> String {
        drop(self.pages.into_inner().unwrap());
        let output = self.child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    }
}

/// Numbers that look random and are the same each time (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Text of up to `most` bytes: short pages as often as long ones, metric lines of more or less variety, or
    /// letters without any pattern.
    pub fn page(&mut self, most: u64) -> Vec<u8> {
        let size = 1 << self.below(u64::from(most.ilog2()) + 1);
        let size = (size + self.below(size)).min(most) as usize;
        let (kind, variety) = (self.below(4), 1 << self.below(30));
        let mut text = Vec::with_capacity(size + 100);
        while text.len() < size {
            let (id, value) = (self.below(variety), self.next() >> self.below(64));
            match kind {
                0 => text.extend(self.next().to_le_bytes().map(|byte| b' ' + byte % 95)),
                1 => text.extend(format!("{value:x}").into_bytes()),
                _ => text.extend(
                    format!("bedrock_quota_usage{{region=\"us-east-1\",model=\"model-{id}\"}} {value}\n")
                        .into_bytes(),
                ),
            }
        }
        text.truncate(size);
        text
    }
}

/// One page as the exporter makes it, in writes of random size, with its own metrics behind it.
pub fn published(random: &mut Random, text: &[u8], own: &str) -> Vec<u8> {
    let rendered = Rendered::new(|out| {
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(1 + random.below(100_000) as usize));
            out.write_all(part)?;
            rest = after;
        }
        Ok(0)
    });
    let (head, tail) = rendered.unwrap().gzip(own);
    let mut body: Vec<u8> = head.flat_map(|piece| piece.as_ref().to_vec()).collect();
    body.extend(tail);
    body
}

#[test]
fn every_page_is_read_whole_by_another_program() {
    let (mut random, mut inflater) = (Random(20_261_126), Inflater::start());
    for _ in 0..400 {
        let (text, own) = (random.page(300_000), random.page(4_000));
        let body = published(&mut random, &text, std::str::from_utf8(&own).unwrap());
        inflater.check(&[text, own].concat(), &body).unwrap();
    }
    assert_eq!(inflater.end(), "400 0");
}
