"use strict";
(() => {
  const figures = document.getElementById("charts").textContent;
  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };

  // Plotly computes with colours and so cannot take CSS variables: their values are put in here.
  const painted = () => {
    const style = getComputedStyle(document.documentElement);
    return JSON.parse(figures, (key, value) => {
      const name = key.endsWith("color") && /^var\((--[a-z-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    });
  };

  const draw = () => Promise.all(
    Object.entries(painted()).map(([id, { data, layout }]) => Plotly.react(id, data, layout, config)),
  ).then(() => { document.documentElement.dataset.charts = "drawn"; });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
