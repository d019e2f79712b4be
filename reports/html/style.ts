/**
 * The page's one style sheet. Colours are those of Okabe and Ito (2008), darkened or lightened until text on them reads;
 * no meaning rests on a colour alone.
 */

const light = `
  --paper: #fff; --sunk: #f5f6f7; --ink: #1b1f24; --ink-soft: #59626c; --rule: #e4e7ea; --rule-strong: #a9b1b9; --link: #0a5c94;
  --good: #00664a; --good-ground: #e6f4ee; --bad: #b33a00; --bad-ground: #fdeee6; --unsure: #7a5600; --unsure-ground: #fdf4dc;
  --c-blue: #0072b2; --c-orange: #d98e04; --c-purple: #b5629a; --c-red: #d55e00; --c-green: #009e73; --c-sky: #56b4e9; --c-yellow: #c9b800; --c-grey: #8a939c;
  --on-blue: #fff; --on-orange: #1b1f24; --on-purple: #fff;
  --fault-edge: #9aa2ab; --fault-line: #c3c9cf; --fault-ground: #f3f4f5;`;

const dark = `
  --paper: #15181c; --sunk: #1e2227; --ink: #e8eaed; --ink-soft: #a3acb6; --rule: #2c3238; --rule-strong: #5d6771; --link: #7cc3f2;
  --good: #4fd3a5; --good-ground: #12302a; --bad: #ff9a5c; --bad-ground: #3a2012; --unsure: #f0c34a; --unsure-ground: #332a10;
  --c-blue: #56b4e9; --c-orange: #e69f00; --c-purple: #d68dbd; --c-red: #ff7f32; --c-green: #2cc99a; --c-sky: #9ad4f7; --c-yellow: #f0e442; --c-grey: #98a1aa;
  --on-blue: #10151a; --on-orange: #10151a; --on-purple: #10151a;
  --fault-edge: #69737d; --fault-line: #464e56; --fault-ground: #20252a;`;

const page = `
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, 'Segoe UI', sans-serif; overflow-wrap: break-word; }
header.verdict, main, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px; }
main > section { margin: 44px 0; }
h1, h2, h3, h4, p, dl, ul, ol, figure, fieldset { margin: 0; padding: 0; }
h2 { font-size: 1.3rem; line-height: 1.3; font-weight: 650; margin-bottom: 12px; padding-bottom: 6px; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; font-weight: 650; margin-bottom: 4px; }
h4 { font-size: .9rem; font-weight: 650; margin: 14px 0 4px; }
p + p { margin-top: 8px; }
a { color: var(--link); text-underline-offset: 2px; }
code, pre { font: .9em/1.5 ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace; }
.muted, figcaption, caption { color: var(--ink-soft); }
.nowrap { white-space: nowrap; }
.unseen, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: absolute; top: 8px; left: 8px; padding: 6px 12px; background: var(--paper); z-index: 3; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.note { padding: 10px 14px; background: var(--sunk); border-radius: 6px; }
.defs { position: absolute; }
[hidden] { display: none !important; }
html:not(.js) .scripted { display: none; }
footer { margin: 56px auto 40px; color: var(--ink-soft); font-size: .87rem; }
`;

const verdict = `
header.verdict { padding-top: 26px; }
.run { color: var(--ink-soft); font-size: .9rem; margin-bottom: 14px; }
.brand { font-weight: 650; color: var(--ink); margin-right: 6px; }
header h1 { font-size: 2.1rem; line-height: 1.15; font-weight: 750; letter-spacing: .01em; display: flex; align-items: center; gap: 14px; }
header .symbol { display: inline-flex; width: 1.6em; height: 1.6em; border-radius: .4em; align-items: center; justify-content: center; color: var(--paper); flex: none; }
.good .symbol { background: var(--good); } .bad .symbol { background: var(--bad); } .unsure .symbol { background: var(--unsure); }
.good .word { color: var(--good); } .bad .word { color: var(--bad); } .unsure .word { color: var(--unsure); }
.sentence { font-size: 1.16rem; line-height: 1.45; margin-top: 16px; max-width: 62em; }
.meaning { color: var(--ink-soft); margin-top: 6px; }
.alarm pre { overflow-x: auto; } .alarm { margin-top: 14px; padding: 10px 14px; border-left: 4px solid var(--bad); background: var(--bad-ground); }
.facts { display: flex; flex-wrap: wrap; gap: 10px 28px; margin-top: 22px; padding: 14px 0 2px; border-top: 1px solid var(--rule); }
nav { margin-top: 18px; display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: .92rem; } nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
.facts dt { color: var(--ink-soft); font-size: .8rem; } .facts dd { margin: 0; }
.chip, .mark { font-weight: 600; }
.chip { padding: 1px 9px; border-radius: 99px; font-size: .84rem; margin-right: 6px; }
.chip.good { background: var(--good-ground); } .chip.bad { background: var(--bad-ground); } .chip.unsure { background: var(--unsure-ground); }
.chip.good, .mark.good { color: var(--good); } .chip.bad, .mark.bad { color: var(--bad); } .chip.unsure, .mark.unsure { color: var(--unsure); }
`;

const tables = `
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; padding: 4px 0; font-size: .87rem; }
th, td { text-align: left; vertical-align: top; padding: 7px 14px 7px 0; border-bottom: 1px solid var(--rule); }
thead th { color: var(--ink-soft); font-weight: 500; font-size: .84rem; white-space: nowrap; }
tbody th { font-weight: 500; }
.numbers { width: auto; min-width: 340px; margin: 14px 0; }
.numbers td, .numbers thead th:not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; padding: 5px 0 5px 26px; }
.numbers tbody th { padding: 5px 0; overflow-wrap: anywhere; }
.numbers td.words, .numbers thead th.words { text-align: left; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
.faults { margin-top: 10px; }
.faults tbody th { display: flex; gap: 10px; min-width: 15em; padding-bottom: 9px; }
.faults .nemesis { font-weight: 400; font-size: .84rem; margin-left: 2px; }
.faults td, .faults tbody th { overflow-wrap: anywhere; } .faults td:nth-child(2) { min-width: 11em; } .faults td:last-child { min-width: 9em; }
.faults tr { border-bottom: 1px solid var(--rule); } .faults tbody th, .faults td { border: 0; }
.fault-number { flex: none; min-width: 1.7em; height: 1.7em; padding: 0 4px; line-height: 1.6em; text-align: center; border: 1px solid var(--rule-strong); border-radius: 4px; font-size: .84rem; }
.reasons { list-style: none; } .reasons li { padding: 5px 0; }
.plain-list { list-style: none; }
.pairs > div { display: grid; grid-template-columns: minmax(110px, 190px) 1fr; gap: 14px; padding: 3px 0; }
.pairs dt { color: var(--ink-soft); overflow-wrap: anywhere; } .pairs dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--link); width: max-content; max-width: 100%; }
details > dl, details > article { margin-top: 8px; }
.check { padding: 12px 0; border-bottom: 1px solid var(--rule); }
.command { display: flex; gap: 10px; align-items: flex-start; margin-top: 10px; }
.command pre { flex: 1; min-width: 0; margin: 0; padding: 10px 14px; background: var(--sunk); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
main ul:not([class]) { padding-left: 20px; }
`;

const findings = `
.anomaly + .anomaly { margin-top: 36px; }
.anomaly-name { color: var(--bad); font-size: 1.08rem; } .anomaly h3 .muted { font-weight: 400; font-size: .87rem; margin-left: 6px; }
.explanation { max-width: 62em; }
.boxes { margin: 16px 0 14px; }
.boxes-frame { display: flex; border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
.lane-names { flex: none; list-style: none; padding: 0 12px; border-right: 1px solid var(--rule); background: var(--sunk); font-size: .87rem; }
.lane-names li { height: 66px; padding-top: 18px; white-space: nowrap; }
.boxes-scroll { overflow-x: auto; flex: 1; min-width: 0; }
.time-boxes { display: block; font: 12px/1 ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace; }
.time-boxes .lane { stroke: var(--rule); }
.time-boxes text { fill: var(--ink); } .time-boxes .axis, .time-boxes .below { fill: var(--ink-soft); font-size: 11.5px; }
.time-boxes .below, .time-boxes .axis { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.time-boxes .order { fill: none; stroke: var(--good); stroke-width: 1.5; stroke-dasharray: 2 3; }
.box rect { fill: var(--sunk); stroke: var(--rule-strong); stroke-width: 1.2; }
.box.fail rect { stroke-dasharray: 4 3; } .box.info rect { stroke: none; } .box.fail text:first-of-type { fill: var(--ink-soft); }
.box circle { fill: var(--good); } .box .number { fill: var(--paper); font: 600 10.5px system-ui, sans-serif; text-anchor: middle; }
.box.impossible rect { stroke: var(--bad); stroke-width: 2.2; } .box.impossible text { font-weight: 650; } .time-boxes .box.impossible .below { fill: var(--bad); }
.box[fill], .box.info rect[fill], .box.impossible rect[fill] { fill: revert-layer; }
.box:hover rect, .box:focus-visible rect { stroke: var(--link); stroke-width: 2; }
.hatch-ground { fill: var(--bad-ground); } .hatch-line { fill: var(--bad); opacity: .22; }
.fade-from { stop-color: var(--rule-strong); stop-opacity: .45; } .fade-to { stop-color: var(--rule-strong); stop-opacity: .06; }
figcaption { font-size: .87rem; margin-top: 6px; }
.steps { padding-left: 26px; } ul.steps { list-style: none; padding-left: 0; margin-top: 6px; }
.steps li { padding: 4px 0; } .steps .muted { font-size: .87rem; } .steps .state { color: var(--good); margin: 0 4px; }
ol.steps li::marker { color: var(--good); font-weight: 650; }
.steps .impossible { padding: 8px 14px; border-left: 4px solid var(--bad); background: var(--bad-ground); border-radius: 0 6px 6px 0; margin: 4px 0; }
.reason { display: block; font-weight: 600; }
.recorded { margin-top: 6px; } .actions { margin-top: 10px; }
`;

const drawings = `
.chart { margin-top: 22px; } .chart h3 { margin: 0; }
.chart svg { display: block; width: 100%; height: auto; min-width: 680px; }
.fault-ground { fill: var(--fault-ground); } .fault-line { fill: var(--fault-line); }
button, select, input { font: inherit; color: inherit; }
button { padding: 5px 13px; border: 1px solid var(--rule-strong); border-radius: 6px; background: var(--paper); cursor: pointer; }
button:hover { background: var(--sunk); } button.small { padding: 1px 9px; font-size: .87rem; }
button.link { border: 0; padding: 0; background: none; color: var(--link); text-decoration: underline; text-underline-offset: 2px; }
.filters { display: flex; flex-wrap: wrap; gap: 10px 18px; align-items: center; font-size: .9rem; margin-bottom: 10px; }
.filters fieldset { border: 0; display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; min-width: 0; }
.filters legend { float: left; padding: 0; margin-right: 8px; color: var(--ink-soft); }
.filters label { color: var(--ink-soft); } .filters .tick { color: var(--ink); max-width: 100%; overflow-wrap: anywhere; }
.filters input:not([type=checkbox]), .filters select { border: 1px solid var(--rule-strong); border-radius: 5px; background: var(--paper); padding: 2px 7px; max-width: 14em; color: var(--ink); }
.filters input[type=checkbox] { accent-color: var(--link); vertical-align: -1px; margin: 0 3px 0 0; }
.filters .fields { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; flex-basis: 100%; }
.swatch { display: inline-block; width: 16px; height: 10px; border-radius: 2px; }
.ok .swatch { background: var(--c-blue); } .fail .swatch { background: repeating-linear-gradient(90deg, var(--c-orange) 0 3px, var(--paper) 3px 4px); } .info .swatch { background: linear-gradient(90deg, var(--c-purple) 50%, transparent); }
.toolbar { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin-bottom: 8px; } .toolbar .rows { margin-left: auto; font-size: .9rem; } .toolbar select { border: 1px solid var(--rule-strong); border-radius: 5px; background: var(--paper); color: var(--ink); padding: 2px 6px; }
.toolbar output { margin-left: 6px; font-size: .9rem; font-variant-numeric: tabular-nums; }
.stage { position: relative; border: 1px solid var(--rule); border-radius: 8px; overflow: hidden; }
#canvas { display: block; width: 100%; cursor: crosshair; }
#selection { position: absolute; top: 0; bottom: 0; background: var(--link); opacity: .18; pointer-events: none; }
#tip { position: absolute; max-width: min(460px, 90%); padding: 6px 10px; background: var(--paper); border: 1px solid var(--rule-strong); border-radius: 6px; font-size: .84rem; line-height: 1.4; pointer-events: none; overflow-wrap: anywhere; }
#tip strong, #tip span { display: block; } #tip strong { font-weight: 600; }
#timeline-help { font-size: .87rem; margin-top: 6px; } #shown { margin-top: 12px; }
#details:not(:empty) { margin: 12px 0; padding: 12px 16px; background: var(--sunk); border-radius: 8px; }
.listing { max-height: 24rem; overflow: auto; border-top: 1px solid var(--rule); } .listing thead th { position: sticky; top: 0; background: var(--paper); } .listing caption { padding-top: 8px; }
#listing { margin-top: 8px; font-variant-numeric: tabular-nums; } #listing td, #listing th { padding: 4px 14px 4px 0; white-space: nowrap; }
#listing td { max-width: 15em; overflow: hidden; text-overflow: ellipsis; } #listing td:nth-child(n+7) { white-space: normal; min-width: 13em; max-width: none; overflow-wrap: anywhere; }
#listing .chosen { background: var(--sunk); } #listing td.fail { color: var(--unsure); } #listing td.info { color: var(--bad); }
`;

const media = `
@media (max-width: 640px) {
  header.verdict, main, footer { padding: 0 16px; } header.verdict { padding-top: 18px; }
  header h1 { font-size: 1.7rem; } main > section { margin: 34px 0; } .facts { gap: 10px 24px; }
  .faults thead { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; } .faults, .faults tbody, .faults tr, .faults td { display: block; }
  .faults tr { padding: 10px 0; } .faults tbody th { padding: 0 0 4px; } .faults td { padding: 2px 0 2px 34px; } .faults td::before { content: attr(data-label) ': '; color: var(--ink-soft); }
  .faults td .plain-list { display: inline; } .faults td .plain-list li { display: inline; } .faults td .plain-list li + li::before { content: ' · '; }
  .pairs > div { grid-template-columns: 1fr; gap: 0; padding: 5px 0; } .command { flex-direction: column; align-items: stretch; } .numbers { min-width: 0; width: 100%; } .lane-names { padding: 0 8px; }
}
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
@media print {
  .scripted, .skip, nav, .js #timeline { display: none !important; } body { font-size: 11pt; } main > section, article, figure, tr { break-inside: avoid; }
  header.verdict, main, footer { max-width: none; padding: 0; } .boxes-scroll, .wide { overflow: visible; } .chart svg { min-width: 0; } .boxes-frame { zoom: .68; }
}`;

export const style = `
:root {${light} }
@media (prefers-color-scheme: dark) { :root {${dark} } }
${page}${verdict}${tables}${findings}${drawings}${media}
`;
