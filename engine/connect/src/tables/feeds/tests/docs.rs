use crate::tables::feeds::streams::{ColumnSpec, Feed, Stream};

/// The table of a stream, as the guide has it. The type is shown for each kind of feed where they differ.
fn table(feeds: &[Feed], stream: Stream) -> String {
    let mut text = "| column | type | unit | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for spec in feeds[0].columns(stream) {
        let ColumnSpec { name, unit, meaning, nullable, .. } = spec;
        let mut types: Vec<(String, Vec<&str>)> = Vec::new();
        for feed in feeds {
            let ty = spec.field(*feed).ty.to_string();
            match types.iter_mut().find(|(known, _)| *known == ty) {
                Some((_, feeds)) => feeds.push(feed.name()),
                None => types.push((ty, vec![feed.name()])),
            }
        }
        let types: Vec<_> = match types.as_slice() {
            [(ty, _)] => vec![ty.clone()],
            types => {
                types.iter().map(|(ty, feeds)| format!("{ty} (`{}`)", feeds.join("`, `"))).collect()
            }
        };
        let not_null = if *nullable { "" } else { " NOT NULL" };
        let types = types.join(", ");
        text += &format!("| `{name}` | {types}{not_null} | {unit} | {meaning} |\n");
    }
    text
}

#[test]
fn the_guide_has_the_columns_of_every_stream() {
    let guide = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/FEEDS.md"),
    )
    .unwrap();
    use Stream as S;
    let market = [Feed::Itch, Feed::Iex, Feed::Dbn];
    let mut sections = Vec::new();
    for stream in [S::Trades, S::Orders, S::Bbo, S::Depth, S::Status, S::Imbalance] {
        let feeds: Vec<_> =
            market.into_iter().filter(|feed| feed.streams().contains(&stream)).collect();
        sections.push((feeds, stream));
    }
    for stream in Feed::Binance.streams() {
        sections.push((vec![Feed::Binance], *stream));
    }
    sections.push((vec![Feed::Candump], S::Frames));
    let mut missing = String::new();
    let mut rest = guide.as_str();
    for (feeds, stream) in sections {
        let names: Vec<_> = feeds.iter().map(|feed| feed.name()).collect();
        let heading = format!("### `{}` of `{}`\n", stream.name(), names.join("`, `"));
        let table = table(&feeds, stream);
        // Each section in this order, its table before the next heading.
        let section = rest.find(&heading).map(|at| &rest[at + heading.len()..]);
        let has_table = section.is_some_and(|section| {
            let end = section.find("\n#").unwrap_or(section.len());
            section[..end].contains(&table)
        });
        match section.filter(|_| has_table) {
            Some(section) => rest = section,
            None => missing += &format!("{heading}\n{table}\n"),
        }
    }
    assert!(missing.is_empty(), "docs/FEEDS.md lacks, in this order:\n\n{missing}");
}

#[test]
fn what_the_option_stream_takes_is_what_there_is() {
    for feed in Feed::ALL {
        assert!(feed.stream_option().ends_with(&feed.stream_names()), "{}", feed.name());
    }
}
