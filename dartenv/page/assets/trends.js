"use strict";
// Trends as charts, with the night since which a metric is worse, and as tables.
{
  const charts = [];
  const short = (value) => Math.abs(value) >= 1e6 ? value.toExponential(2) : Number(value.toPrecision(4)).toLocaleString("en");

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
      axes: [axis, { ...axis, size: 62, values: (self, ticks) => ticks.map(short) }],
      series: [{}, { stroke: colour("accent"), width: 2, points: { size: 5, fill: colour("card") } }],
      hooks: { draw: [mark(trend)] },
    }, [trend.times, trend.values], place);
    charts.push([place, chart]);
  };

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
