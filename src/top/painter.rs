//! Paints frames, and nothing where a frame would look as the one before.

use super::draw::draw;
use super::screen::Screen;
use crate::model::time::Timestamp;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;

/// A terminal and what stands on it.
pub struct Painter<'a, B: Backend> {
    terminal: &'a mut Terminal<B>,
    shown: Option<Buffer>,
}

impl<'a, B: Backend> Painter<'a, B> {
    pub fn new(terminal: &'a mut Terminal<B>) -> Self {
        Painter { terminal, shown: None }
    }

    /// Whether anything was written: over a slow line every byte counts.
    pub fn paint(&mut self, screen: &Screen, now: Timestamp) -> Result<bool, B::Error> {
        self.terminal.autoresize()?;
        let area = self.terminal.get_frame().area();
        let mut frame = Buffer::empty(area);
        draw(screen, now, &mut frame);
        if self.shown.as_ref() == Some(&frame) {
            return Ok(false);
        }
        self.terminal.draw(|shown| draw(screen, now, shown.buffer_mut()))?;
        self.shown = Some(frame);
        Ok(true)
    }
}
