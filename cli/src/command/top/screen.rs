//! How it looks.

use indicatif::HumanCount;
use larder_operator::text::escaped;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Bar, BarChart, BarGroup, Block, Paragraph, Row, Sparkline, Table, Wrap};

use super::sample::View;
use crate::client::{Master, Status};
use crate::command::status::HOW_TO_SEE_MORE;

/// Draws all of it.
pub fn draw(frame: &mut Frame, view: &View) {
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(2), Constraint::Fill(1), Constraint::Length(1)]).areas(frame.area());
    frame.render_widget(heading(view), head);
    match &view.status {
        None => frame.render_widget(Paragraph::new(HOW_TO_SEE_MORE).wrap(Wrap { trim: false }), body),
        Some(Err(failure)) => {
            let failure = Paragraph::new(escaped(failure.as_bytes())).red().wrap(Wrap { trim: false });
            frame.render_widget(failure, body);
        }
        Some(Ok(status)) => draw_status(frame, body, status, &view.rates),
    }
    frame.render_widget(Line::from("q quits").dim(), foot);
}

fn heading(view: &View) -> Paragraph<'static> {
    let health = match &view.ready {
        None => Span::raw("looking …"),
        Some(Ok(())) => Span::styled("ready", Style::new().fg(Color::Green).add_modifier(Modifier::BOLD)),
        Some(Err(why)) => {
            let why = format!("not ready: {}", escaped(why.as_bytes()));
            Span::styled(why, Style::new().fg(Color::Red).add_modifier(Modifier::BOLD))
        }
    };
    let latency = view.latency.map(|time| format!(", {:.1} ms", time.as_secs_f64() * 1_000.0)).unwrap_or_default();
    let store = Span::styled(view.store.clone(), Style::new().add_modifier(Modifier::BOLD));
    Paragraph::new(Line::from(vec![store, Span::raw("  "), health, Span::raw(latency)]))
}

fn draw_status(frame: &mut Frame, area: Rect, status: &Status, rates: &[u64]) {
    let masters = u16::try_from(status.masters.len().min(8) + 1).unwrap_or(9);
    let warned = warnings(status);
    let warned_height = u16::try_from(warned.len().min(4)).unwrap_or(4);
    let areas = [
        Constraint::Length(2),
        Constraint::Length(4),
        Constraint::Min(6),
        Constraint::Length(masters),
        Constraint::Length(warned_height),
    ];
    let [numbers, rate, pending, table, below] = Layout::vertical(areas).areas(area);
    frame.render_widget(counted(status), numbers);
    let now = rates.last().copied().unwrap_or_default();
    let latest = &rates[rates.len().saturating_sub(usize::from(rate.width))..];
    let title = format!("writes accepted: {}/s", HumanCount(now));
    let sparks = Sparkline::default().block(Block::new().title(title)).data(latest).style(Color::Cyan);
    frame.render_widget(sparks, rate);
    frame.render_widget(bars(status, pending.width), pending);
    frame.render_widget(table_of(&status.masters), table);
    let lines: Vec<_> = warned.into_iter().map(|text| Line::from(text).yellow()).collect();
    frame.render_widget(Paragraph::new(lines), below);
}

fn counted(status: &Status) -> Paragraph<'static> {
    let dead = format!("{} dead letters", HumanCount(status.dead_letters));
    let dead = if status.dead_letters > 0 { Span::from(dead).red() } else { Span::from(dead) };
    let oldest = status.oldest_pending_seconds.map(|age| format!(" (oldest {age:.1} s)")).unwrap_or_default();
    let numbers = vec![
        Span::from(format!("{} items   ", HumanCount(status.items))),
        Span::from(format!("{} unapplied writes{oldest}   ", HumanCount(status.pending))),
        dead,
        Span::from(format!("   {} workers", status.workers())),
    ];
    Paragraph::new(Line::from(numbers))
}

/// Unapplied writes, a bar for each partition. Where there is no room for all, neighbours share one.
fn bars(status: &Status, width: u16) -> BarChart<'static> {
    let room = usize::from(width).max(1);
    let each = status.partitions.len().div_ceil(room).max(1);
    let groups: Vec<_> = status.partitions.chunks(each).collect();
    let bar_width = (room / groups.len().max(1)).saturating_sub(1).clamp(1, 3);
    let gap = u16::from(groups.len() * (bar_width + 1) <= room);
    let bars: Vec<_> = groups
        .iter()
        .map(|group| {
            let pending = group.iter().filter_map(|partition| partition.pending).sum();
            Bar::default().value(pending).text_value(String::new())
        })
        .collect();
    BarChart::default()
        .block(Block::new().title("unapplied writes by partition, 0 to 63"))
        .bar_width(u16::try_from(bar_width).unwrap_or(1))
        .bar_gap(gap)
        .bar_style(Color::Magenta)
        .data(BarGroup::default().bars(&bars))
}

fn table_of(masters: &[Master]) -> Table<'static> {
    let rows: Vec<_> = masters.iter().map(row).collect();
    let widths = [
        Constraint::Length(24),
        Constraint::Length(5),
        Constraint::Length(12),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(24),
        Constraint::Fill(1),
    ];
    let heads = ["MASTER", "UP", "PARTITIONS", "WORKERS", "REPLICAS", "MEMORY", "PROMISES"];
    Table::new(rows, widths).header(Row::new(heads).dim())
}

fn row(master: &Master) -> Row<'static> {
    let row = Row::new([
        escaped(master.address.as_bytes()),
        if master.up { "yes" } else { "NO" }.to_owned(),
        escaped(master.partitions.as_bytes()),
        Master::counted(master.live_workers),
        Master::counted(master.replicas),
        master.memory(),
        master.promises().to_owned(),
    ]);
    if master.up && master.keeps_promises != Some(false) { row } else { row.style(Color::Red) }
}

fn warnings(status: &Status) -> Vec<String> {
    status.troubles().map(|text| escaped(text.as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::client::PartitionStatus;

    fn drawn(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view)).unwrap();
        terminal.backend().to_string()
    }

    fn view() -> View {
        let partition =
            |n: u8| PartitionStatus { partition: n, pending: Some(u64::from(n) * 2), ..PartitionStatus::default() };
        let master = |address: &str, up, keeps| Master {
            address: address.to_owned(),
            up,
            partitions: "0-31".to_owned(),
            live_workers: Some(2),
            replicas: up.then_some(1),
            memory_used_bytes: Some(3 << 20),
            memory_limit_bytes: Some(1 << 30),
            keeps_promises: keeps,
            ..Master::default()
        };
        let status = Status {
            ready: true,
            warnings: vec!["Redis 10.0.0.2:6379: appendonly is no\u{1b}[2J".to_owned()],
            pending: 4_032,
            oldest_pending_seconds: Some(1.5),
            dead_letters: 3,
            items: 1_234_567,
            masters: vec![master("10.0.0.1:6379", true, Some(true)), master("10.0.0.2:6379", false, Some(false))],
            partitions: (0..64).map(partition).collect(),
            ..Status::default()
        };
        View {
            store: "prod (https://larder.example)".to_owned(),
            ready: Some(Ok(())),
            latency: Some(Duration::from_micros(1_240)),
            status: Some(Ok(status)),
            rates: (0..60).map(|n| n * 100).collect(),
        }
    }

    #[test]
    fn all_of_it_at_a_glance() {
        let drawn = drawn(&view(), 132, 24);
        for part in [
            "prod (https://larder.example)  ready, 1.2 ms",
            "1,234,567 items   4,032 unapplied writes (oldest 1.5 s)   3 dead letters   2 workers",
            "writes accepted: 5,900/s",
            "10.0.0.1:6379",
            "3.00 MiB of 1.00 GiB",
            "NOT KEPT",
            "appendonly is no\\u{1b}[2J",
            "q quits",
        ] {
            assert!(drawn.contains(part), "{part}:\n{drawn}");
        }
    }

    #[test]
    fn a_small_terminal_has_the_numbers() {
        let drawn = drawn(&view(), 40, 18);
        assert!(drawn.contains("ready") && drawn.contains("1,234,567 items") && drawn.contains("q quits"), "{drawn}");
    }

    #[test]
    fn without_an_admin_server_it_says_how_to_see_more() {
        let ready = Some(Err("workers: none has reported".to_owned()));
        let drawn = drawn(&View { status: None, ready, ..view() }, 100, 8);
        assert!(drawn.contains("not ready: workers: none") && drawn.contains("--admin-listen"), "{drawn}");
    }

    #[test]
    fn no_terminal_is_too_small_and_no_store_too_empty() {
        for (width, height) in [(1, 1), (3, 40), (200, 2)] {
            drawn(&view(), width, height);
        }
        drawn(&View { status: Some(Ok(Status::default())), ..View::default() }, 80, 24);
    }
}
