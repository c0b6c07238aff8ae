for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of heads) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const words = column < Number(table.dataset.left);
    const value = (row) => {
      const cell = row.cells[column];
      if (words) return cell.textContent.trim();
      const order = cell.dataset.order;
      return order === "inf" ? Infinity : parseFloat(order ?? cell.textContent);
    };
    const missing = (v) => v === "" || Number.isNaN(v);
    const compare = (a, b) => words ? a.localeCompare(b, "en", { numeric: true }) : (a < b ? -1 : a > b ? 1 : 0);
    const rows = [...body.rows].map((row) => [value(row), row]);
    // What is missing stays last, whichever way the rest runs.
    rows.sort(([a], [b]) => missing(a) || missing(b) ? missing(a) - missing(b) : (down ? -1 : 1) * compare(a, b));
    body.append(...rows.map(([, row]) => row));
  }));
}

for (const form of document.querySelectorAll("form.filters")) {
  form.hidden = false;
  const { table, figure } = form.dataset;
  const rows = [...document.querySelector(`[aria-labelledby="${table}"] table`).tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase().replace(/\s+/g, " ")]));
  const [search, ...selects] = form.querySelectorAll("input, select");
  const count = form.querySelector("output");
  // Of a chapter one figure has a point a row; the figures of results all have.
  const where = figure ? `figure[class="${figure}"]` : ".study figure";
  const tied = [...document.querySelectorAll(`${where} [data-series]`)].map((e) => [e, e.dataset.series.split(" ")]);
  const apply = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = selects.filter((s) => s.value !== "");
    const series = new Set();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !(wanted.every((s) => row.cells[Number(s.dataset.column)].textContent.trim() === s.value)
        && terms.every((term) => texts.get(row).includes(term)));
      if (!row.hidden) { shown += 1; series.add(row.dataset.series); }
    }
    const active = terms.length + wanted.length > 0;
    for (const [element, own] of tied) element.classList.toggle("out", active && !own.some((i) => series.has(i)));
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
    form.classList.toggle("filtering", active);
  };
  for (const event of ["input", "change"]) form.addEventListener(event, apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
