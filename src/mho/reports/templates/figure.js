const tip = document.getElementById("tip");
let asked = null;
document.getElementById("keys").hidden = false;

function place() {
  const at = asked.getBoundingClientRect(), box = tip.getBoundingClientRect(), edge = 8;
  const left = at.left + at.width / 2 - box.width / 2;
  const above = at.top - box.height - 6;
  tip.style.left = `${Math.max(edge, Math.min(left, document.documentElement.clientWidth - box.width - edge))}px`;
  tip.style.top = `${above >= edge ? above : at.bottom + 6}px`;
}

function ask(mark) {
  if (asked) asked.classList.remove("asked");
  asked = mark;
  tip.hidden = !mark;
  if (!mark) return;
  mark.classList.add("asked");
  const [first, ...rest] = mark.getAttribute("aria-label").split("\n");
  const name = document.createElement("b");
  name.textContent = first;
  tip.replaceChildren(name, ...rest.map((line) => Object.assign(document.createElement("span"), { textContent: line })));
  place();
}

for (const svg of document.querySelectorAll(".panels svg")) {
  const marks = [...svg.querySelectorAll(".marks circle")];
  svg.querySelector("title")?.remove();
  if (!marks.length) continue;
  svg.setAttribute("role", "group");
  svg.setAttribute("aria-describedby", "keys");
  const points = marks.map((mark) => {
    mark.setAttribute("aria-label", mark.textContent);
    mark.setAttribute("role", "img");
    mark.setAttribute("tabindex", mark === marks[0] ? "0" : "-1");
    mark.replaceChildren();
    return { mark, x: Number(mark.getAttribute("cx")), y: Number(mark.getAttribute("cy")) };
  });
  const open = () => points.filter((p) => !p.mark.parentElement.classList.contains("out"));
  const near = (event, reach) => {
    const box = svg.getBoundingClientRect(), zoom = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * zoom, y = (event.clientY - box.top) * zoom;
    let best = null, least = reach * zoom;
    for (const p of open()) {
      const far = Math.hypot(p.x - x, p.y - y);
      if (far < least) [best, least] = [p.mark, far];
    }
    return best;
  };
  const focus = (mark) => {
    for (const other of marks) other.setAttribute("tabindex", other === mark ? "0" : "-1");
    mark.focus();
  };
  svg.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") ask(near(event, 14) ?? marks.find((m) => m === document.activeElement) ?? null);
  });
  svg.addEventListener("pointerleave", () => ask(marks.find((m) => m === document.activeElement) ?? null));
  svg.addEventListener("click", (event) => {
    const mark = near(event, 24);
    if (mark) focus(mark); else document.activeElement.blur();
  });
  svg.addEventListener("focusin", (event) => ask(event.target));
  svg.addEventListener("focusout", () => ask(null));
  svg.addEventListener("keydown", (event) => {
    const here = points.find((p) => p.mark === document.activeElement);
    if (!here) return;
    // Sideways along the axis, up and down between what stands at the same place.
    const along = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!along) return;
    event.preventDefault();
    const [dx, dy] = along;
    const series = here.mark.parentElement;
    let best = null, least = Infinity;
    for (const p of open()) {
      const step = dx * (p.x - here.x) + dy * (p.y - here.y);
      const aside = Math.abs(dx ? p.y - here.y : p.x - here.x);
      if (p === here || step < 0.05) continue;
      const far = step + 3 * aside + (dx && p.mark.parentElement !== series ? 1e4 : 0);
      if (far < least) [best, least] = [p.mark, far];
    }
    if (best) focus(best);
  });
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") ask(null); });
addEventListener("scroll", () => asked && place(), { passive: true, capture: true });
addEventListener("resize", () => asked && place());

// A key of the legend brings its results forward in its own figure.
for (const key of document.querySelectorAll(".legend button")) {
  const own = new Set(key.dataset.series.split(" "));
  const figure = key.closest("figure");
  const light = (on) => {
    on &&= !key.parentElement.classList.contains("out");
    figure.classList.toggle("lit", on);
    for (const e of figure.querySelectorAll("svg [data-series]")) e.classList.toggle("on", on && own.has(e.dataset.series));
  };
  for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) {
    key.addEventListener(event, () => light(on));
  }
}
