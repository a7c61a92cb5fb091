/** The whole style of the page: it asks nobody for anything. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f6f7; --surface: #fff; --text: #16232a; --muted: #51626b; --line: #d5dee1; --accent: #0b5f6b;
  --warn: #7a4a00; --warn-back: #fdeecb; --bad: #a11d1d; --band: #7d8f9833;
  --c1: #0b6e99; --c2: #b35c00; --c3: #6a3fa0; --c4: #2c7a3f; --c5: #a32d62; --c6: #5b6b00;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
}
@media (prefers-color-scheme: dark) { :root {
  --page: #0e1518; --surface: #162126; --text: #e4ecef; --muted: #a5b6be; --line: #2c3b42; --accent: #5cc3d1;
  --warn: #ffcf70; --warn-back: #3d2d08; --bad: #ffa3a3; --band: #a5b6be33;
  --c1: #63c5ee; --c2: #ffb457; --c3: #c3a3f2; --c4: #86dba1; --c5: #f59bc4; --c6: #cfdc6a;
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
main { max-width: 76rem; margin: 0 auto; padding: 1.25rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.15rem; margin: 0 0 .6rem; }
h3 { font-size: .95rem; margin: 1rem 0 .4rem; }
p { margin: 0 0 .5rem; }
code { font: .85em ui-monospace, "Cascadia Mono", Menlo, monospace; overflow-wrap: anywhere; }
section {
  background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem;
  margin: 1rem 0; break-inside: auto;
}
.notice { background: var(--warn-back); color: var(--warn); font-weight: 600; padding: .5rem .9rem;
  border-radius: 8px; }
.muted, small, figcaption { color: var(--muted); font-size: .88em; }
.bad { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; min-width: 100%;
  margin-bottom: .8rem; }
th, td { padding: .28rem .6rem; border-bottom: 1px solid var(--line); text-align: right;
  vertical-align: top; }
th { color: var(--muted); font-weight: 600; font-size: .85rem; }
th:first-child, td:first-child { text-align: left; }
td small { display: block; white-space: nowrap; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(27rem, 1fr)); gap: 1rem; }
figure { margin: 0; break-inside: avoid; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 11.5px; fill: var(--muted); }
svg .grid { stroke: var(--line); stroke-width: 1; }
.dot { fill: var(--own); opacity: .45; } .point { fill: var(--own); opacity: .75; }
.mark, .median { stroke: var(--own); stroke-width: 1.5; } .median { stroke-width: 3; }
.box { fill: var(--own); fill-opacity: .14; stroke: var(--own); stroke-width: 1.5; }
.equal, .limit { stroke: var(--muted); stroke-width: 1.3; stroke-dasharray: 5 4; }
.bias { stroke: var(--accent); stroke-width: 1.8; } .band { fill: var(--band); }
.series-1 { --own: var(--c1); } .series-2 { --own: var(--c2); } .series-3 { --own: var(--c3); }
.series-4 { --own: var(--c4); } .series-5 { --own: var(--c5); } .series-6 { --own: var(--c6); }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .88rem; }
.legend i { display: inline-block; width: .75em; height: .75em; border-radius: 50%; background: var(--own);
  margin-right: .45em; }
.worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: 1rem; }
.worst img { width: 100%; height: 15rem; object-fit: contain; background: #000; border-radius: 6px;
  display: block; }
.swatch { display: inline-block; width: 1.6em; height: 0; border-top: 3px solid; vertical-align: .25em;
  margin-right: .3em; }
@media print {
  :root { color-scheme: light; --page: #fff; --surface: #fff; --text: #000; --muted: #444; --line: #bbb;
  font-size: 11px;
    --accent: #0b5f6b; --warn: #7a4a00; --warn-back: #fdeecb; --bad: #a11d1d; --band: #7d8f9833;
    --c1: #0b6e99; --c2: #b35c00; --c3: #6a3fa0; --c4: #2c7a3f; --c5: #a32d62; --c6: #5b6b00; }
  main { max-width: none; padding: 0; }
  section { border: 0; border-top: 1px solid var(--line); border-radius: 0; padding: .6rem 0;
  margin: .6rem 0; }
  tr { break-inside: avoid; } h2, h3 { break-after: avoid; } .scroll { overflow: visible; }
  .plots { grid-template-columns: 1fr 1fr; } th, td { padding: .15rem .35rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
