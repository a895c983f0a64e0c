mod architecture;
mod config;
