//! The `tidewire` command.
#![forbid(unsafe_code)]

mod bars;
mod commands;
mod report;
mod store;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Event-by-event stream processing in event time, on pinned cores.
#[derive(Debug, Parser)]
#[command(name = "tidewire", version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Generate a capture, replay it, and show results and latencies: a first look, in well under a minute.
    Demo(commands::demo::Arguments),
    /// Write a capture of an invented market: the same seed gives the same bytes.
    Generate(commands::generate::Arguments),
    /// Show what is in a capture: messages, times, symbols, gaps, errors.
    Inspect(commands::inspect::Arguments),
    /// Replay a capture through the engine, into bars by symbol and window.
    Replay(Box<commands::replay::Arguments>),
    /// Send a capture of ITCH as it would come live, with losses if you like: MoldUDP64 on one or two lines, SoupBinTCP.
    Publish(Box<commands::publish::Arguments>),
    /// Run a job that is written in SQL.
    Run(Box<commands::run::Arguments>),
    /// Show what a job in SQL would do, as a tree.
    Explain(commands::run::ExplainArguments),
    /// List, show, verify or prune the snapshots of a job.
    Snapshots(commands::snapshots::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Demo(arguments) => commands::demo::run(&arguments),
        Command::Generate(arguments) => commands::generate::run(&arguments),
        Command::Inspect(arguments) => commands::inspect::run(&arguments),
        Command::Replay(arguments) => commands::replay::run(&arguments),
        Command::Publish(arguments) => commands::publish::run(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Explain(arguments) => commands::run::explain(&arguments),
        Command::Snapshots(arguments) => commands::snapshots::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::error(&error);
            ExitCode::FAILURE
        }
    }
}
