//! The live display as lines: a pure function of the progress and of the terminal's size.

use highwater_loadgen::coordinator::Progress;

use super::{
    load_lines::load_lines,
    node_table::node_table,
    phase_line::{next_line, phase_line},
};

/// Height from which an empty line separates the display from the notes.
const ROOMY_HEIGHT: usize = 24;

/// Returns the lines for a terminal of this many columns and lines. They are at most
/// `height - 1`, so that the cursor stands below them.
pub(crate) fn screen(progress: &Progress, width: usize, height: usize) -> Vec<String> {
    let width = width.saturating_sub(1);
    let mut lines = Vec::new();
    if height >= ROOMY_HEIGHT {
        lines.push(String::new());
    }
    lines.push(phase_line(progress, width));
    lines.extend(next_line(&progress.phase));
    lines.push(String::new());
    lines.extend(load_lines(progress, width));
    // A quarter of the terminal stays for the notes that scroll above.
    let above = (height / 4).clamp(1, 10);
    // The two: the line of the cursor, and the empty line before the table.
    let room = height.saturating_sub(lines.len() + 2 + above);
    let nodes = node_table(&progress.nodes, width, room);
    if !nodes.is_empty() {
        lines.push(String::new());
        lines.extend(nodes);
    }
    // Without this, the first line would scroll away, and each redraw would start too low.
    lines.truncate(height.saturating_sub(1));
    lines
}

#[cfg(test)]
mod tests {
    use console::{measure_text_width, strip_ansi_codes, truncate_str};
    use expect_test::{Expect, expect};

    use super::*;
    use crate::progress::fixtures::{drain, exchanges, outage, ramp, traffic};

    const TERMINALS: [(usize, usize); 5] = [(60, 20), (80, 24), (120, 40), (30, 8), (1, 1)];

    fn check(progress: &Progress, (width, height): (usize, usize), expected: &Expect) {
        expected.assert_eq(&text(progress, (width, height)).join("\n"));
    }

    /// Returns the lines as the live display draws them, without colours.
    fn text(progress: &Progress, (width, height): (usize, usize)) -> Vec<String> {
        let lines = screen(progress, width, height);
        let shown = lines.iter().map(|line| truncate_str(line, width - 1, "…"));
        shown.map(|line| strip_ansi_codes(&line).into()).collect()
    }

    #[test]
    fn display_is_never_wider_or_higher_than_the_terminal() {
        for progress in [Progress::default(), ramp(), outage(), traffic(), drain()] {
            for (width, height) in TERMINALS {
                let lines = text(&progress, (width, height));
                assert!(lines.len() < height, "{lines:#?}");
                let fits = |line: &String| measure_text_width(line) < width;
                assert!(lines.iter().all(fits), "{lines:#?}");
            }
        }
    }

    #[test]
    fn ramp_shows_open_sockets_and_no_commands_yet() {
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
    }

    #[test]
    fn outage_shows_missing_sockets_and_unanswered_commands() {
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
    fn messages_of_devices_have_a_line() {
        check(
            &exchanges(),
            (80, 24),
            &expect![[r#"

            steady   ━━━━━━━━━━━━─────────────────────────────────────  01:29 left of 02:00
            next     restart-node n2 in 39s

            sockets         640  open of 1,500  360 missing
            heartbeats      128/s  p50 0.31 ms  p99 1.20 ms  missed 17
            exchanges       200/s  p50 1.10 ms  p99 7.20 ms  unanswered 3
            send lag    p99 14.7 ms on w1, over the harness's 10 ms

            node      up    sockets       RSS      heap   files    CPU
            n1        yes       201  20.5 MiB  3.24 MiB     231    1 %
            n2        no          –         –         –       –      –"#]],
        );
    }

    #[test]
    fn messages_and_telemetry_have_a_line_each() {
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
    fn nodes_without_room_are_summed_up() {
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
    }

    #[test]
    fn small_terminal_cuts_lines_and_leaves_the_table_out() {
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
