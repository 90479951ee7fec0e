//! The page in a browser: without errors, complete without scripts, legible on a phone, and
//! small for a large run. These tests are skipped with a notice where Chromium is missing.

mod chromium;
mod devtools;

use std::path::{Path, PathBuf};

use highwater_reports::{MismatchPolicy, compare, write_report};
use serde_json::json;

use self::{
    chromium::{Chromium, installed},
    devtools::{BrowserPage, Viewport},
};
use crate::{comparison::repeated, large::large, report::eventful};

const DESK: Viewport = Viewport {
    width: 1280,
    scripts: true,
};
const PHONE: Viewport = Viewport {
    width: 390,
    scripts: true,
};

/// Starts a browser, if there is one.
async fn browser() -> Option<Chromium> {
    match installed() {
        Some(program) => Some(Chromium::start(program).await),
        None => {
            eprintln!("SKIPPED: no chromium on this machine");
            None
        }
    }
}

fn page_of_an_eventful_run(dir: &Path) -> PathBuf {
    eventful().write(dir);
    write_report(dir).unwrap().html
}

fn page_of_a_comparison(dir: &Path) -> PathBuf {
    let page = dir.join("comparison.html");
    let comparison = compare(&repeated(dir), MismatchPolicy::Refuse).unwrap();
    comparison.write_page(&page).unwrap();
    page
}

#[tokio::test]
async fn page_logs_nothing_and_loads_nothing() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let runs = tempfile::tempdir().unwrap();
    for file in [
        page_of_an_eventful_run(dir.path()),
        page_of_a_comparison(runs.path()),
    ] {
        let mut page = BrowserPage::open(&browser.address, &file, DESK).await;
        // Late events arrive before this answer.
        page.value("1").await;
        for event in [
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        ] {
            assert!(page.events(event).is_empty(), "{:?}", page.events(event));
        }
        let requests = page.events("Network.requestWillBeSent");
        let own = format!("file://{}", file.display());
        let others = requests
            .iter()
            .filter(|request| request["request"]["url"] != own.as_str());
        assert_eq!(others.count(), 0, "{requests:?}");
    }
}

#[tokio::test]
async fn every_chart_has_a_title_and_labels() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = page_of_an_eventful_run(dir.path());
    for view in [DESK, PHONE] {
        let mut page = BrowserPage::open(&browser.address, &file, view).await;
        let charts = page
            .value(
                "[...document.querySelectorAll('figure')].map(figure => {
                   const shown = [...figure.querySelectorAll('.plot svg')].filter(svg => svg.getBoundingClientRect().width > 0);
                   const svg = shown[0];
                   const named = svg.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent);
                   const sizes = [...svg.querySelectorAll('text')].map(text => text.getBoundingClientRect().height);
                   return {
                     name: figure.id, shown: shown.length, role: svg.getAttribute('role'), named,
                     heading: figure.querySelector('h3').textContent,
                     caption: figure.querySelector('figcaption').textContent,
                     labels: sizes.length, smallest: Math.min(...sizes),
                   };
                 })",
            )
            .await;
        let charts = charts.as_array().unwrap();
        assert_eq!(charts.len(), 18);
        for chart in charts {
            assert_eq!(chart["shown"], 1, "{chart}");
            assert_eq!(chart["role"], "img", "{chart}");
            assert_eq!(chart["named"][0], chart["heading"], "{chart}");
            assert_eq!(chart["named"][1], chart["caption"], "{chart}");
            assert!(chart["caption"].as_str().unwrap().len() > 20, "{chart}");
            assert!(chart["labels"].as_u64().unwrap() >= 4, "{chart}");
            // Text of 11 px is the smallest that is legible.
            assert!(chart["smallest"].as_f64().unwrap() >= 11.0, "{chart}");
        }
    }
}

#[tokio::test]
async fn page_without_scripts_has_the_same_text() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = page_of_an_eventful_run(dir.path());
    let without = Viewport {
        scripts: false,
        ..DESK
    };
    let mut page = BrowserPage::open(&browser.address, &file, without).await;
    assert_eq!(
        page.value("document.querySelectorAll('.cursor').length")
            .await,
        0
    );
    let text = page.value("document.body.innerText").await;
    let mut page = BrowserPage::open(&browser.address, &file, DESK).await;
    assert_eq!(
        page.value("document.querySelectorAll('.cursor').length")
            .await,
        30
    );
    assert_eq!(page.value("document.body.innerText").await, text);
    assert!(
        text.as_str()
            .unwrap()
            .contains("Two nodes & a thousand <idle> sockets.")
    );
}

#[tokio::test]
async fn page_is_never_wider_than_the_window() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let runs = tempfile::tempdir().unwrap();
    for file in [
        page_of_an_eventful_run(dir.path()),
        page_of_a_comparison(runs.path()),
    ] {
        for width in [320, 390, 768, 1024, 1280, 1920] {
            let view = Viewport { width, ..PHONE };
            let mut page = BrowserPage::open(&browser.address, &file, view).await;
            let widths = page
                .value("[document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]")
                .await;
            assert!(
                widths[0].as_u64() <= widths[1].as_u64(),
                "{width}: {widths}"
            );
        }
    }
}

/// Script that returns, for each chart over time, its cursor, its instant and its values.
const SHOWN: &str = "[...document.querySelectorAll('figure[data-chart]')].map(figure => [
   figure.querySelector('.cursor').getAttribute('visibility'),
   figure.querySelector('.instant').textContent,
   [...figure.querySelectorAll('.value')].map(value => value.textContent).join('|'),
 ])";

#[tokio::test]
async fn pointer_shows_the_values_on_all_charts() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = page_of_an_eventful_run(dir.path());
    let mut page = BrowserPage::open(&browser.address, &file, DESK).await;

    // The pointer is over the middle of the first plot, 13 of 27 s.
    let at = page
        .value(
            "(() => {
               const svg = document.querySelector('#sockets .wide');
               svg.scrollIntoView({behavior: 'instant'});
               const box = svg.getBoundingClientRect();
               const [left, , right] = svg.dataset.plot.split(' ').map(Number);
               return [box.left + (left + right) / 2 / svg.viewBox.baseVal.width * box.width, box.top + box.height / 2];
             })()",
        )
        .await;
    page.hover(at[0].as_f64().unwrap(), at[1].as_f64().unwrap())
        .await;
    let shown = page.value(SHOWN).await;
    for chart in shown.as_array().unwrap() {
        assert_eq!(
            (&chart[0], &chart[1]),
            (&json!("visible"), &json!("at 13 s")),
            "{chart}"
        );
    }
    // The legend lists the clients, n1, n2 (killed at 12 s) and the plan.
    assert_eq!(shown[0][2], "1,000|500|–|1,000");

    // The page scrolls under the pointer, so the pointer leaves the charts first.
    page.hover(1.0, 1.0).await;
    page.value("document.querySelector('#heartbeat-latency .plot').focus()")
        .await;
    page.press("Escape").await;
    assert_eq!(page.value(SHOWN).await[0], json!(["hidden", "", "|||"]));
    for _ in 0..11 {
        page.press("ArrowRight").await;
    }
    assert_eq!(page.value(SHOWN).await[0][1], "at 10 s");
    let status = page
        .value("document.getElementById('status').textContent")
        .await;
    assert!(
        status
            .as_str()
            .unwrap()
            .starts_with("Heartbeat latency at 10 s: response max 100 ms, response p99 99"),
        "{status}"
    );
}

#[tokio::test]
async fn page_prints_on_a_few_sheets() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let file = page_of_an_eventful_run(dir.path());
    let mut page = BrowserPage::open(&browser.address, &file, DESK).await;
    let printed = page
        .call("Page.printToPDF", json!({"preferCSSPageSize": true}))
        .await;
    let pdf = {
        use base64::{Engine, engine::general_purpose::STANDARD};
        STANDARD.decode(printed["data"].as_str().unwrap()).unwrap()
    };
    assert!(pdf.starts_with(b"%PDF-"));
    let pages = pdf
        .windows(12)
        .filter(|bytes| bytes == b"/Type /Page\n")
        .count();
    assert!((3..=14).contains(&pages), "{pages} pages");
}

/// Most elements of a page that any machine opens at once.
const MOST_ELEMENTS: u64 = 20_000;

/// The run has 110 processes and lasts two hours.
#[tokio::test]
async fn page_of_a_large_run_is_small() {
    let Some(browser) = browser().await else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    large(dir.path());
    let file = write_report(dir.path()).unwrap().html;
    let bytes = std::fs::metadata(&file).unwrap().len();
    assert!(bytes < 5_000_000, "{bytes} bytes");

    // The number of elements is bounded as well, whatever the run's length.
    let mut page = BrowserPage::open(&browser.address, &file, DESK).await;
    let elements = page.value("document.querySelectorAll('*').length").await;
    assert!(elements.as_u64().unwrap() < MOST_ELEMENTS, "{elements}");
}
