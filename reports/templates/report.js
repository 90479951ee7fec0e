// Shows the values at an instant on all charts over time at once. The page is complete
// without this script.
"use strict";
(() => {
  const { step, end, charts } = JSON.parse(document.getElementById("values").textContent);
  const steps = Math.ceil(end / step);
  const status = document.getElementById("status");

  // These formats match those of the rest of the page.
  const number = (v) => {
    if (v === 0 || Math.abs(v) >= 999.5) return Math.round(v).toLocaleString("en");
    const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(v)))));
    return String(Number(v.toFixed(digits)));
  };
  const time = (s) => {
    if (s < 120) return `${number(s)} s`;
    const whole = Math.round(s), h = Math.floor(whole / 3600), min = Math.floor(whole % 3600 / 60);
    return h ? `${h} h ${min} min` : `${min} min ${whole % 60} s`;
  };
  const bytes = (v) => {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (Math.abs(v) >= 1024 && unit + 1 < units.length) { v /= 1024; unit += 1; }
    return `${number(v)} ${units[unit]}`;
  };
  const formats = {
    count: number,
    rate: (v) => `${number(v)}/s`,
    ms: (v) => (v < 1000 ? `${number(v)} ms` : time(v / 1000)),
    bytes,
    share: (v) => `${Math.round(v * 100)} %`,
    s: time,
  };
  const valueText = (values, index, format) => {
    const one = (list) => (list[index] ?? null) === null ? "–" : format(list[index]);
    const [low, high] = values;
    return Array.isArray(low) || Array.isArray(high) ? `${one(low)} to ${one(high)}` : one(values);
  };

  const figures = [...document.querySelectorAll("figure[data-chart]")].map((figure) => ({
    figure,
    title: figure.querySelector("h3").firstChild.textContent,
    instant: figure.querySelector(".instant"),
    labels: [...figure.querySelectorAll(".legend li > span")].map((label) => label.textContent),
    cells: [...figure.querySelectorAll(".value")],
    chart: charts[figure.dataset.chart],
    plots: [...figure.querySelectorAll(".plot > svg")].map((svg) => {
      const [left, top, right, bottom] = svg.dataset.plot.split(" ").map(Number);
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", "cursor");
      line.setAttribute("y1", top);
      line.setAttribute("y2", bottom);
      line.setAttribute("visibility", "hidden");
      svg.append(line);
      return { svg, left, right, line };
    }),
  }));

  let at = null;
  const show = (index, announced) => {
    at = index === null ? null : Math.min(steps - 1, Math.max(0, index));
    const middle = (at + 0.5) * step;
    for (const { instant, cells, chart, plots } of figures) {
      instant.textContent = at === null ? "" : `at ${time(at * step)}`;
      cells.forEach((cell, n) => {
        cell.textContent = at === null ? "" : valueText(chart.series[n], at, formats[chart.unit]);
      });
      for (const { left, right, line } of plots) {
        const x = left + Math.min(1, middle / end) * (right - left);
        line.setAttribute("x1", x);
        line.setAttribute("x2", x);
        line.setAttribute("visibility", at === null ? "hidden" : "visible");
      }
    }
    const { title, labels, cells } = announced ?? {};
    status.textContent = at === null || !announced ? ""
      : `${title} at ${time(at * step)}: ${labels.map((label, n) => `${label} ${cells[n].textContent}`).join(", ")}`;
  };

  for (const entry of figures) {
    for (const { svg, left, right } of entry.plots) {
      const follow = (event) => {
        const box = svg.getBoundingClientRect();
        const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
        const part = (x - left) / (right - left);
        show(part < 0 || part > 1 ? null : Math.floor(part * end / step));
      };
      svg.addEventListener("pointermove", follow);
      svg.addEventListener("pointerdown", follow);
      svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && show(null));
    }
    const plot = entry.figure.querySelector(".plot");
    plot.tabIndex = 0;
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", `${entry.title}: arrow keys show the values at an instant`);
    plot.addEventListener("keydown", (event) => {
      const stride = event.shiftKey ? 10 : 1;
      const to = {
        ArrowLeft: (at ?? steps) - stride, ArrowRight: (at ?? -1) + stride, Home: 0, End: steps - 1, Escape: null,
      };
      if (!(event.key in to)) return;
      event.preventDefault();
      show(to[event.key], entry);
    });
  }
})();
