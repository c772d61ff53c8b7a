//! `playhouse tree`: the supervision tree of a running daemon, as a drawing.
//!
//! ```text
//! NAME                  STATUS    UP      QUEUE  RESTARTS
//! root                  running   3h 12m      -         0  rest_for_one
//! ├─ memory             running   3h 12m      0         0
//! └─ models             running   3h 12m      -         0  one_for_one
//!    └─ model:nano      running   2m 5s       3         1  4 running, 37 waiting; last exit: …
//! ```

use std::{cmp::Reverse, fmt::Write as _, io::IsTerminal, process::ExitCode, time::Duration};

use playhouse_http::wire::{Node, NodeKind, NodeStatus};

use crate::{cli::TreeArgs, client::Client, render::shorten};

/// Between two drawings of `--watch`.
const DRAW_EVERY: Duration = Duration::from_secs(1);
/// Children of one dynamic supervisor that are drawn unless all are asked for: what fits on a screen.
const DRAWN_MAX: usize = 20;
/// Clears the screen and goes to its top.
const CLEAR: &str = "\x1b[2J\x1b[H";

#[expect(clippy::print_stdout, reason = "the drawing is this command's output")]
pub(crate) async fn tree(args: TreeArgs) -> anyhow::Result<ExitCode> {
    let client = Client::new(args.remote)?;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    loop {
        let root: Node = client.get("/v1/tree", &[]).await?;
        if args.json {
            println!("{}", serde_json::to_string_pretty(&root)?);
            return Ok(ExitCode::SUCCESS);
        }
        let drawing = draw(&root, if args.all { usize::MAX } else { DRAWN_MAX }, color);
        if !args.watch {
            print!("{drawing}");
            return Ok(ExitCode::SUCCESS);
        }
        print!("{CLEAR}{drawing}");
        tokio::time::sleep(DRAW_EVERY).await;
    }
}

/// One line of the drawing: the name with its branches, and the node, unless it is only a remark.
struct Line<'a> {
    name: String,
    node: Option<&'a Node>,
}

/// The tree below `root`, at most `most` children of each dynamic supervisor.
fn draw(root: &Node, most: usize, color: bool) -> String {
    let mut lines = vec![Line { name: root.id.clone(), node: Some(root) }];
    branches(root, "", most, &mut lines);
    let width = lines.iter().filter(|line| line.node.is_some()).map(|line| line.name.chars().count()).max();
    let width = width.unwrap_or(0).max("NAME".len());
    let title =
        format!("{:<width$}  {:<12}  {:>7}  {:>6}  {:>8}", "NAME", "STATUS", "UP", "QUEUE", "RESTARTS");
    let mut drawing = paint(&title, "2", color) + "\n";
    for line in &lines {
        let row = line.node.map_or_else(|| line.name.clone(), |node| row(node, &line.name, width, color));
        // Writing to a string cannot fail.
        let _ = writeln!(drawing, "{}", row.trim_end());
    }
    drawing
}

fn branches<'a>(parent: &'a Node, indent: &str, most: usize, lines: &mut Vec<Line<'a>>) {
    let mut children: Vec<&Node> = parent.children.iter().collect();
    let most = if parent.kind == NodeKind::Dynamic { most } else { usize::MAX };
    if children.len() > most {
        // Those that somebody should look at come first.
        children.sort_by_key(|child| Reverse((child.restarts, child.queue_depth)));
    }
    let remark = remark(children.len().saturating_sub(most), parent.hidden);
    children.truncate(most);
    let count = children.len();
    for (at, child) in children.into_iter().enumerate() {
        let is_last = at + 1 == count && remark.is_none();
        let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(Line { name: format!("{indent}{branch}{}", shorten(&child.id)), node: Some(child) });
        branches(child, &format!("{indent}{below}"), most, lines);
    }
    lines.extend(remark.map(|remark| Line { name: format!("{indent}└─ {remark}"), node: None }));
}

/// What is not drawn, if anything.
fn remark(left_out: usize, hidden: usize) -> Option<String> {
    let left_out = (left_out > 0).then(|| format!("{left_out} more (--all)"));
    let hidden = (hidden > 0).then(|| format!("{hidden} of other tenants"));
    let parts: Vec<_> = left_out.into_iter().chain(hidden).collect();
    (!parts.is_empty()).then(|| format!("… and {}", parts.join(", ")))
}

fn row(node: &Node, name: &str, width: usize, color: bool) -> String {
    let status = format!("{:<12}", wire_name(&node.status));
    let status = paint(&status, shade(node.status), color);
    let up = node.up_ms.map_or_else(|| "-".into(), uptime);
    let queue = node.queue_depth.map_or_else(|| "-".into(), |depth| depth.to_string());
    let restarts = format!("{:>8}", node.restarts);
    let restarts = if node.restarts > 0 { paint(&restarts, "33", color) } else { restarts };
    format!("{name:<width$}  {status}  {up:>7}  {queue:>6}  {restarts}  {}", about(node))
}

/// What it is or does, and how it failed last.
fn about(node: &Node) -> String {
    let kind = (node.kind != NodeKind::Actor).then(|| wire_name(&node.kind));
    let exit = node.last_exit.as_ref().map(|why| format!("last exit: {why}"));
    let parts: Vec<_> = kind.into_iter().chain(node.state.clone()).chain(exit).collect();
    shorten(&parts.join("; "))
}

/// Green is well, yellow is on its way, red wants a look.
fn shade(status: NodeStatus) -> &'static str {
    match status {
        NodeStatus::Running => "32",
        NodeStatus::Starting | NodeStatus::Stopping => "33",
        NodeStatus::Down | NodeStatus::Unresponsive => "31",
    }
}

fn paint(text: &str, code: &str, color: bool) -> String {
    if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// An enum's name as it is on the wire.
fn wire_name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A time in its two largest units.
fn uptime(ms: u64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes, seconds) {
        (0, 0, 0, 0) => format!("{ms}ms"),
        (0, 0, 0, _) => format!("{seconds}s"),
        (0, 0, ..) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, kind: NodeKind, children: Vec<Node>) -> Node {
        let queue_depth = (kind == NodeKind::Actor).then_some(0);
        let (status, up_ms) = (NodeStatus::Running, Some(65_000));
        let (restarts, hidden) = (0, 0);
        let (last_exit, state, last_message) = (None, None, None);
        let id = id.to_owned();
        Node {
            id,
            kind,
            status,
            restarts,
            last_exit,
            up_ms,
            queue_depth,
            state,
            last_message,
            children,
            hidden,
        }
    }

    fn actor(id: &str) -> Node {
        node(id, NodeKind::Actor, vec![])
    }

    #[test]
    fn the_drawing_is_aligned_and_says_what_happened() {
        let model = Node {
            restarts: 2,
            last_exit: Some("it\u{1b}[31m died".into()),
            state: Some("4 running, 37 waiting".into()),
            ..actor("model:nano")
        };
        let down = Node { status: NodeStatus::Down, up_ms: None, queue_depth: None, ..actor("edge") };
        let models = node("models", NodeKind::OneForOne, vec![model]);
        let root = node("root", NodeKind::RestForOne, vec![actor("memory"), models, down]);
        let expected = "\
NAME              STATUS             UP   QUEUE  RESTARTS
root              running         1m 5s       -         0  rest_for_one
├─ memory         running         1m 5s       0         0
├─ models         running         1m 5s       -         0  one_for_one
│  └─ model:nano  running         1m 5s       0         2  4 running, 37 waiting; last exit: it [31m died
└─ edge           down                -       -         0
";
        assert_eq!(draw(&root, 20, false), expected);
    }

    #[test]
    fn of_many_planners_the_troubled_ones_are_drawn() {
        let mut planners: Vec<_> = (0..30).map(|n| actor(&format!("t{n}"))).collect();
        planners[17].restarts = 1;
        planners[23].queue_depth = Some(9);
        let root = Node { hidden: 4, ..node("planners", NodeKind::Dynamic, planners) };
        let drawing = draw(&root, 2, false);
        assert!(drawing.contains("├─ t17") && drawing.contains("├─ t23"), "{drawing}");
        assert!(drawing.ends_with("└─ … and 28 more (--all), 4 of other tenants\n"), "{drawing}");
        assert_eq!(draw(&root, usize::MAX, false).lines().count(), 33);
    }

    #[test]
    fn an_uptime_has_its_two_largest_units() {
        let times = [340, 12_000, 312_000, 11_520_000, 273_600_000].map(uptime);
        assert_eq!(times, ["340ms", "12s", "5m 12s", "3h 12m", "3d 4h"]);
    }
}
