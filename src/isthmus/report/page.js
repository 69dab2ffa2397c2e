(() => {
  "use strict";
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const figures = read("figure-data");
  const darkColours = read("dark-colours");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 599px)");
  const paper = matchMedia("print");
  const PAPER_WIDTH = 670;

  // Plotly does not follow the colour scheme, so every colour of a figure is replaced.
  const painted = (value, colours) => {
    if (typeof value === "string") {
      return Object.hasOwn(colours, value) ? colours[value] : value;
    }
    if (Array.isArray(value)) return value.map((item) => painted(item, colours));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, painted(item, colours)]),
    );
  };

  const forNarrow = (layout) => {
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) layout[key].fixedrange = true;
      if (key === "xaxis" && layout[key].nticks) layout[key].nticks = 4;
    }
    layout.font.size = 12;
    layout.dragmode = false;
    layout.margin = { l: 48, r: 8, t: 8, b: 64 };
    layout.legend = { ...layout.legend, orientation: "v", y: -0.2, yanchor: "top" };
    return layout;
  };

  const draw = (printing) => {
    const colours = dark.matches && !printing ? darkColours : {};
    const small = narrow.matches && !printing;
    const config = {
      responsive: true,
      displaylogo: false,
      displayModeBar: small ? false : "hover",
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    };
    for (const [id, spec] of Object.entries(figures)) {
      const { data, layout } = painted(spec, colours);
      if (printing) layout.width = PAPER_WIDTH;
      Plotly.react(id, data, small ? forNarrow(layout) : layout, config);
    }
  };

  const redraw = () => draw(paper.matches);
  for (const query of [dark, narrow, paper]) query.addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    draw(true);
  });
  addEventListener("afterprint", () => draw(false));
  redraw();
})();
