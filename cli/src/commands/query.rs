//! `overgrant query`: SQL over the store, or one of the questions that come with overgrant.

use std::io::Write;

use sinks::questions::{self, QUESTIONS};

use super::{block_on, print, store};
use crate::args::QueryArgs;
use crate::{Exit, Mistake, show};

pub(super) fn run(args: &QueryArgs) -> anyhow::Result<Exit> {
    if args.list {
        return list();
    }
    let params = args.params.iter().map(|text| param(text)).collect::<Result<Vec<_>, _>>()?;
    let question = args.question.as_deref().map(questions::find).transpose()?;
    let answer = block_on(async {
        let store = store::open(&args.of.place).await?;
        Ok(match question {
            Some(question) => question.ask(&store, &params).await?,
            None => store.sql_with(args.sql.as_deref().unwrap_or_default(), &params).await?,
        })
    })?;
    print(&answer, args.of.format)?;
    Ok(Exit::Done)
}

fn param(text: &str) -> Result<(String, String), Mistake> {
    let wrong = || Mistake(format!("`{text}` is no parameter; write NAME=VALUE"));
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    Ok((name.to_owned(), value.to_owned()))
}

fn list() -> anyhow::Result<Exit> {
    let mut out = show::out();
    let (bold, dim) = (show::BOLD, show::DIM);
    for question in QUESTIONS {
        writeln!(out, "{bold}{}{bold:#}  {}", question.name, question.words())?;
        for param in question.params() {
            let default = param.default.map_or_else(String::new, |default| format!(" [{default}]"));
            writeln!(out, "    {dim}--param {}=…  {}{default}{dim:#}", param.name, param.doc)?;
        }
    }
    Ok(Exit::Done)
}
