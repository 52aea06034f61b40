"use strict";
// Trends as charts, with the night since which a metric is worse, and as tables.
{
  const charts = [];
  // Parity is some millionths of a metre: what a plain number would round to 0 gets an exponent.
  const short = (value) => {
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
    return value.toLocaleString("en", { maximumSignificantDigits: 4 });
  };
  // Month and day, as the times are written everywhere on the page: UTC.
  const day = (time) => new Date(time * 1000).toISOString().slice(5, 10);

  const mark = (trend) => (chart) => {
    if (!trend.regression) return;
    const since = Date.parse(trend.regression.since) / 1000;
    const x = chart.valToPos(since, "x", true);
    const { left, top, width, height } = chart.bbox;
    const pen = chart.ctx;
    pen.save();
    pen.globalAlpha = 0.12;
    pen.fillStyle = colour("bad");
    pen.fillRect(x, top, left + width - x, height);
    pen.globalAlpha = 1;
    pen.strokeStyle = colour("bad");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x, top + height);
    pen.stroke();
    pen.restore();
  };

  const draw = (place) => {
    const trend = page.trends[Number(place.dataset.trend)];
    place.replaceChildren();
    const axis = { stroke: colour("soft"), grid: { stroke: colour("grid") }, ticks: { stroke: colour("grid") }, font: "11px system-ui, sans-serif" };
    const chart = new uPlot({
      width: Math.max(160, place.clientWidth), height: 170,
      legend: { show: false }, cursor: { drag: { setScale: false } },
      axes: [{ ...axis, values: (self, ticks) => ticks.map(day) }, { ...axis, size: 62, values: (self, ticks) => ticks.map(short) }],
      series: [{}, { stroke: colour("accent"), width: 2, points: { show: true, size: 5, fill: colour("card") } }],
      hooks: { draw: [mark(trend)] },
    }, [trend.times, trend.values], place);
    charts.push([place, chart]);
  };

  const named = () => document.querySelectorAll(".chart").forEach((place) => {
    const trend = page.trends[Number(place.dataset.trend)];
    const { name, values, unit, regression } = trend;
    const last = `${short(values[values.length - 1])} ${unit}`;
    const worse = regression ? `; ${say("regressions")}, ${say("since")} ${regression.since.slice(0, 10)}` : "";
    place.setAttribute("aria-label", `${name}: ${values.length} ${say("nights")}, ${say("last")} ${last}${worse}`);
  });
  named();
  document.addEventListener("spoken", named);

  const places = [...document.querySelectorAll(".chart")];
  const redraw = () => { charts.length = 0; places.forEach(draw); };
  document.addEventListener("dressed", redraw);
  addEventListener("resize", () => { for (const [place, chart] of charts) chart.setSize({ width: Math.max(160, place.clientWidth), height: 170 }); });
  redraw();

  document.querySelectorAll(".trend").forEach((figure, index) => {
    const trend = page.trends[index];
    figure.querySelector("details").addEventListener("toggle", () => {
      const rows = figure.querySelector(".rows");
      if (rows.childElementCount) return;
      trend.times.forEach((time, night) => {
        const row = rows.insertRow(0);
        for (const text of [new Date(time * 1000).toISOString().slice(0, 10), `${short(trend.values[night])} ${trend.unit}`, trend.runs[night]]) row.insertCell().textContent = text;
      });
    });
  });
}
