//! The live display as lines: a pure function of how the run stands and of the
//! terminal's size.

use highwater_loadgen::coordinator::Progress;

use super::{
    load_lines::load_lines,
    node_table::node_table,
    phase_line::{next_line, phase_line},
    styled_line::StyledLine,
};

/// A terminal's size in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TerminalSize {
    /// Columns.
    pub(crate) width: usize,
    /// Lines.
    pub(crate) height: usize,
}

/// A terminal of so many lines has room for an empty one below the notes.
const ROOMY: usize = 24;

/// Returns at most `size.height - 1` lines, so that the cursor stands below them. A
/// quarter of the terminal stays for what scrolls above.
pub(crate) fn screen(progress: &Progress, size: TerminalSize) -> Vec<StyledLine> {
    let width = size.width.saturating_sub(1);
    let mut lines = Vec::new();
    if size.height >= ROOMY {
        lines.push(StyledLine::default());
    }
    lines.push(phase_line(progress, width));
    lines.extend(next_line(&progress.phase));
    lines.push(StyledLine::default());
    lines.extend(load_lines(progress, width));
    let above = (size.height / 4).clamp(1, 10);
    let room = size.height.saturating_sub(lines.len() + 2 + above);
    let nodes = node_table(&progress.nodes, width, room);
    if !nodes.is_empty() {
        lines.push(StyledLine::default());
        lines.extend(nodes);
    }
    lines.truncate(size.height.saturating_sub(1));
    lines
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::progress::{
        fixtures::{drain, outage, ramp, traffic},
        styled_line::columns,
    };

    const TERMINALS: [(usize, usize); 5] = [(60, 20), (80, 24), (120, 40), (30, 8), (1, 1)];

    fn check(progress: &Progress, (width, height): (usize, usize), expected: &Expect) {
        expected.assert_eq(&text(progress, (width, height)).join("\n"));
    }

    fn text(progress: &Progress, (width, height): (usize, usize)) -> Vec<String> {
        screen(progress, TerminalSize { width, height })
            .iter()
            .map(|line| line.render(width - 1, false))
            .collect()
    }

    #[test]
    fn nothing_is_wider_or_higher_than_the_terminal() {
        for progress in [Progress::default(), ramp(), outage(), traffic(), drain()] {
            for (width, height) in TERMINALS {
                let lines = text(&progress, (width, height));
                assert!(lines.len() < height, "{lines:#?}");
                assert!(lines.iter().all(|line| columns(line) < width), "{lines:#?}");
            }
        }
    }

    #[test]
    fn a_ramp() {
        check(
            &ramp(),
            (60, 20),
            &expect![[r#"
                ramp     ━━━━━━──────────  412 of 1,000 sockets, 00:02 left

                sockets         412  open of 1,500
                heartbeats       61/s  p50       –  p99       –  missed 0
                commands    from the steady phase on

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        yes       202  21.0 MiB         –     232    2 %"#]],
        );
        check(
            &ramp(),
            (80, 24),
            &expect![[r#"

                ramp     ━━━━━━━━━━━━━━──────────────────────  412 of 1,000 sockets, 00:02 left

                sockets         412  open of 1,500
                heartbeats       61/s  p50       –  p99       –  missed 0
                commands    from the steady phase on

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        yes       202  21.0 MiB         –     232    2 %"#]],
        );
    }

    #[test]
    fn an_outage() {
        check(
            &outage(),
            (60, 20),
            &expect![[r#"
                steady   ━━━━━━━──────────────────────  01:29 left of 02:00
                next     restart-node n2 in 39s

                sockets         640  open of 1,500  360 missing
                heartbeats      128/s  p50 0.31 ms  p99 1.20 ms  missed 17
                commands         93/s  p50 0.52 ms  p99  2.01 s
                            timed out 4, not connected 112, failed 3
                send lag    p99 14.7 ms on w1, over the harness's 10 ms

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        no          –         –         –       –      –"#]],
        );
        check(
            &outage(),
            (80, 24),
            &expect![[r#"

                steady   ━━━━━━━━━━━━─────────────────────────────────────  01:29 left of 02:00
                next     restart-node n2 in 39s

                sockets         640  open of 1,500  360 missing
                heartbeats      128/s  p50 0.31 ms  p99 1.20 ms  missed 17
                commands         93/s  p50 0.52 ms  p99  2.01 s
                            timed out 4, not connected 112, failed 3
                send lag    p99 14.7 ms on w1, over the harness's 10 ms

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        no          –         –         –       –      –"#]],
        );
        check(
            &outage(),
            (120, 40),
            &expect![[r#"

                steady   ━━━━━━━━━━━━━━━━━━━━━━───────────────────────────────────────────────────────────────────  01:29 left of 02:00
                next     restart-node n2 in 39s

                sockets         640  open of 1,500  360 missing
                heartbeats      128/s  p50 0.31 ms  p99 1.20 ms  missed 17
                commands         93/s  p50 0.52 ms  p99  2.01 s  timed out 4, not connected 112, failed 3
                send lag    p99 14.7 ms on w1, over the harness's 10 ms

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        no          –         –         –       –      –"#]],
        );
    }

    #[test]
    fn messages_and_telemetry() {
        check(
            &traffic(),
            (80, 24),
            &expect![[r#"

                steady   ━━━━━━━━━━━━─────────────────────────────────────  01:29 left of 02:00
                next     restart-node n2 in 39s

                sockets         640  open of 1,500  360 missing
                heartbeats      128/s  p50 0.31 ms  p99 1.20 ms  missed 17
                messages     24,988/s  p50 2.10 ms  p99 48.0 ms  missing 12
                telemetry     1,000/s  p50 0.90 ms  p99 3.00 ms  rejected 1,340
                send lag    p99 14.7 ms on w1, over the harness's 10 ms

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        no          –         –         –       –      –"#]],
        );
    }

    #[test]
    fn many_nodes() {
        check(
            &drain(),
            (60, 20),
            &expect![[r#"
                drain    ━━━━━━━━━━━━━──────  312,008 sockets left to close

                sockets     312,008  open of 1,000,000
                heartbeats   49,123/s  p50 95.4 ms  p99  812 ms  missed 0

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        yes       202  21.0 MiB         –     232    2 %
                n3        yes       203  21.4 MiB  3.24 MiB     233    3 %
                n4        yes       204  21.9 MiB  3.24 MiB     234    4 %
                … and 51 more, 1 not up
                least               201  20.5 MiB  3.24 MiB     231    1 %
                median              228  33.4 MiB  3.24 MiB     258   28 %
                most                255  46.2 MiB  3.24 MiB     285   55 %"#]],
        );
        check(
            &drain(),
            (80, 24),
            &expect![[r#"

                drain    ━━━━━━━━━━━━━━━━━━━━━━━━━━─────────────  312,008 sockets left to close

                sockets     312,008  open of 1,000,000
                heartbeats   49,123/s  p50 95.4 ms  p99  812 ms  missed 0

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        yes       202  21.0 MiB         –     232    2 %
                n3        yes       203  21.4 MiB  3.24 MiB     233    3 %
                n4        yes       204  21.9 MiB  3.24 MiB     234    4 %
                n5        yes       205  22.4 MiB  3.24 MiB     235    5 %
                n6        yes       206  22.9 MiB  3.24 MiB     236    6 %
                … and 49 more, 1 not up
                least               201  20.5 MiB  3.24 MiB     231    1 %
                median              228  33.4 MiB  3.24 MiB     258   28 %
                most                255  46.2 MiB  3.24 MiB     285   55 %"#]],
        );
        check(
            &drain(),
            (120, 40),
            &expect![[r#"

                drain    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━─────────────────────────  312,008 sockets left to close

                sockets     312,008  open of 1,000,000
                heartbeats   49,123/s  p50 95.4 ms  p99  812 ms  missed 0

                node      up    sockets       RSS      heap   files    CPU
                n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
                n2        yes       202  21.0 MiB         –     232    2 %
                n3        yes       203  21.4 MiB  3.24 MiB     233    3 %
                n4        yes       204  21.9 MiB  3.24 MiB     234    4 %
                n5        yes       205  22.4 MiB  3.24 MiB     235    5 %
                n6        yes       206  22.9 MiB  3.24 MiB     236    6 %
                n7        yes       207  23.3 MiB  3.24 MiB     237    7 %
                n8        yes       208  23.8 MiB  3.24 MiB     238    8 %
                n9        yes       209  24.3 MiB  3.24 MiB     239    9 %
                n10       yes       210  24.8 MiB  3.24 MiB     240   10 %
                n11       yes       211  25.2 MiB  3.24 MiB     241   11 %
                n12       yes       212  25.7 MiB  3.24 MiB     242   12 %
                n13       yes       213  26.2 MiB  3.24 MiB     243   13 %
                n14       yes       214  26.7 MiB  3.24 MiB     244   14 %
                n15       yes       215  27.2 MiB  3.24 MiB     245   15 %
                n16       yes       216  27.6 MiB  3.24 MiB     246   16 %
                n17       yes       217  28.1 MiB  3.24 MiB     247   17 %
                n18       yes       218  28.6 MiB  3.24 MiB     248   18 %
                … and 37 more, 1 not up
                least               201  20.5 MiB  3.24 MiB     231    1 %
                median              228  33.4 MiB  3.24 MiB     258   28 %
                most                255  46.2 MiB  3.24 MiB     285   55 %"#]],
        );
    }

    #[test]
    fn a_very_small_terminal() {
        check(
            &outage(),
            (30, 8),
            &expect![[r#"
                steady   01:29 left of 02:00
                next     restart-node n2 in …

                sockets         640  open of…
                heartbeats      128/s  p50 0…
                commands         93/s  p50 0…
                            timed out 4, not…"#]],
        );
    }
}
