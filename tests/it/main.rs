mod cloud;
mod counters;
