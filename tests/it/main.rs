mod cloud;
mod counters;
mod mistakes;
