"use strict";
(() => {
  const figures = document.getElementById("charts").textContent;
  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };

  // Plotly computes with colours and so cannot take CSS variables: their values are put in here.
  const painted = () => {
    const style = getComputedStyle(document.documentElement);
    const paint = (value) => {
      if (Array.isArray(value)) return value.map(paint);
      const name = /^var\((--[a-z0-9-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    };
    return JSON.parse(figures, (key, value) => (/colors?$/.test(key) ? paint(value) : value));
  };

  const draw = () => Promise.all(
    Object.entries(painted()).map(([id, { data, layout }]) => Plotly.react(id, data, layout, config)),
  ).then(look).then(() => { document.documentElement.dataset.charts = "drawn"; });

  // All trees of a section show the same part on one scale, chosen in its list or in one of them.
  const choosers = [...document.querySelectorAll("[data-trees]")];
  const trees = (chooser) => chooser.dataset.trees.split(" ").map((id) => document.getElementById(id));
  const look = () => Promise.all(choosers.flatMap((chooser) => {
    const times = trees(chooser).map(({ data: [{ ids, values }] }) => (
      values[ids.indexOf(chooser.value)] ?? 0
    ));
    return trees(chooser).map((tree, at) => Plotly.restyle(tree, {
      visible: times[at] > 0,
      level: chooser.value,
      "domain.y": [[1 - times[at] / Math.max(...times), 1]],
    }));
  }));
  const follow = () => choosers.forEach((chooser) => {
    chooser.parentElement.hidden = false;
    chooser.addEventListener("change", look);
    trees(chooser).forEach((tree) => tree.on("plotly_icicleclick", ({ nextLevel }) => {
      const known = [...chooser.options].some((option) => option.value === nextLevel);
      if (known) { chooser.value = nextLevel; look(); }
      return false;  // Plotly's own way there is an animation, in this tree alone
    }));
  });

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw().then(follow);
})();
