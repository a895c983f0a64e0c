//! Paints frames, and nothing where a frame would look as the one before.

use super::draw::draw;
use super::screen::Screen;
use crate::model::time::Timestamp;
use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};

/// No screen has room for more, and a terminal may tell any size: what is not drawn on takes no memory.
const MOST: Size = Size::new(1_000, 300);

/// A terminal and what stands on it.
pub struct Painter<'a, B: Backend> {
    terminal: &'a mut Terminal<B>,
    shown: Option<Buffer>,
}

impl<'a, B: Backend> Painter<'a, B> {
    pub fn new(terminal: &'a mut Terminal<B>) -> Self {
        Painter { terminal, shown: None }
    }

    /// Paints as large as a screen is from now on, on a terminal whose viewport is fixed.
    pub fn fit(&mut self, screen: Size) -> Result<(), B::Error> {
        let area = Rect::new(0, 0, screen.width.min(MOST.width), screen.height.min(MOST.height));
        if area != self.terminal.get_frame().area() {
            self.terminal.resize(area)?;
            self.shown = None;
        }
        Ok(())
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
