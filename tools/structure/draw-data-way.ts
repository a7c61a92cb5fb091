import { STAGES, type Stage } from '../../src/pipeline/run/stage-names.ts';
import { ROOMS } from './rooms.ts';

/** Where each stage's work is done. A new stage fails the type check until it is here. */
const WORKED_IN: Readonly<Record<Stage, readonly string[]>> = {
  'list series': ['dicom'],
  select: ['pipeline'],
  retrieve: ['dicom'],
  volume: ['dicom'],
  segment: ['segmentation'],
  measure: ['segmentation'],
  results: ['seg', 'sr', 'pictures'],
  store: ['dicom'],
  verify: ['dicom'],
  record: ['store'],
  corrections: ['seg', 'sr'],
};

const WIDTH = 1000;
const MARGIN = 24;
const SANS = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif";
const MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'Noto Sans Mono', monospace";

const TITLE =
  'The way of the data: from senders and archive through arrivals, queue and run-study to the results in ' +
  'the archive, the history, pages, API and notifications';
const ARROW_HEAD =
  '<marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">' +
  '<path class="head" d="M0 0L10 5L0 10z"/></marker>';

/** The picture brings its own background, so that it can be read whatever page it stands on. */
const STYLE = `
    svg { font-family: ${SANS}; --page: #f4f6f7; --surface: #fff; --text: #16232a; --muted: #51626b;
      --line: #c3ced2; --accent: #0b5f6b; --chip: #e3f0f1; --outside: #e6ebed; }
    @media (prefers-color-scheme: dark) {
      svg { --page: #0e1518; --surface: #162126; --text: #e4ecef; --muted: #a5b6be;
        --line: #3d5058; --accent: #5cc3d1; --chip: #17363c; --outside: #26343b; }
    }
    .page { fill: var(--page); }
    .node { fill: none; stroke: var(--accent); stroke-width: 1.5; stroke-dasharray: 5 5; }
    .room { fill: var(--surface); stroke: var(--line); stroke-width: 1.5; }
    .outside { fill: var(--outside); stroke: var(--line); stroke-width: 1.5; }
    .stage { fill: var(--chip); }
    .way { fill: none; stroke: var(--accent); stroke-width: 2; marker-end: url(#head); }
    .head { fill: var(--accent); }
    text { fill: var(--text); font-size: 14px; }
    .name { font-weight: 600; }
    .title { font-size: 15px; }
    .stage-name { font-size: 13.5px; }
    .code { font-family: ${MONO}; font-weight: 650; }
    .small { fill: var(--muted); font-size: 12.5px; }
    .rooms { fill: var(--muted); font-family: ${MONO}; font-size: 11px; }
    .label { fill: var(--accent); font-size: 12.5px; font-weight: 550; }
    .end { text-anchor: end; }
    .number { fill: var(--accent); font-size: 11px; font-weight: 700; }`;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const text = (x: number, y: number, kind: string, words: string): string =>
  `<text x="${x}" y="${y}" class="${kind}">${escape(words)}</text>`;

const rectangle = ({ x, y, width, height }: Box, kind: string, radius = 10): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" class="${kind}"/>`;

const way = (...points: readonly (readonly [number, number])[]): string =>
  `<path class="way" d="M${points.map((point) => point.join(' ')).join('L')}"/>`;

/** Lines of at most so many letters: a picture does not wrap its text. */
function wrapped(words: string, letters: number): string[] {
  const lines: string[] = [];
  for (const word of words.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`.trim();
    if (lines.length === 0 || longer.length > letters) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

const LINE = 17;
/** Width of an average small letter, on the wide side, as fonts differ. */
const LETTER = 6.6;

const paragraph = (x: number, y: number, width: number, words: string): string =>
  wrapped(words, Math.floor(width / LETTER))
    .map((line, index) => text(x, y + index * LINE, 'small', line))
    .join('');

/** A room's box: its name, and what rooms.ts says is in it. */
function room(name: string, box: Box): string {
  const what = ROOMS[name]?.what;
  if (what === undefined) throw new Error(`rooms.ts has no room ${name}`);
  return [
    rectangle(box, 'room'),
    text(box.x + 14, box.y + 28, 'title code', `${name}/`),
    paragraph(box.x + 14, box.y + 48, box.width - 28, what),
  ].join('\n  ');
}

function outside(name: string, what: string, box: Box): string {
  return [
    rectangle(box, 'outside'),
    text(box.x + 14, box.y + 26, 'name', name),
    paragraph(box.x + 14, box.y + 47, box.width - 28, what),
  ].join('\n  ');
}

const COLUMNS = 4;
const GAP = 10;
const STAGE_HEIGHT = 54;

function stage(name: Stage, index: number, panel: Box): string {
  const rooms = WORKED_IN[name];
  const mayUse = ['pipeline', ...(ROOMS['pipeline']?.mayImport ?? [])];
  for (const one of rooms) if (!mayUse.includes(one)) throw new Error(`pipeline may not import ${one}`);
  const width = Math.floor((panel.width - 2 * 14 - (COLUMNS - 1) * GAP) / COLUMNS);
  const x = panel.x + 14 + (index % COLUMNS) * (width + GAP);
  const y = panel.y + 48 + Math.floor(index / COLUMNS) * (STAGE_HEIGHT + GAP);
  return [
    rectangle({ x, y, width, height: STAGE_HEIGHT }, 'stage', 7),
    text(x + width - 8, y + 22, 'number end', `${index + 1}`),
    text(x + 9, y + 22, 'name stage-name', name),
    text(x + 9, y + 41, 'rooms', rooms.join(' ')),
  ].join('');
}

/** The folders of arrivals/, in the order in which a study passes through them. */
export const ARRIVALS: readonly (readonly [folder: string, what: string])[] = [
  ['intake', 'safe in the spool'],
  ['watch', 'until counts stand still'],
  ['routing', 'whether, and when'],
];

function arrivalsRoom(box: Box): string {
  const height = Math.floor((box.height - 56) / ARRIVALS.length) - GAP;
  return [
    rectangle(box, 'room'),
    text(box.x + 14, box.y + 30, 'title code', 'arrivals/'),
    ...ARRIVALS.map(([folder, what], index) => {
      const y = box.y + 48 + index * (height + GAP);
      return [
        rectangle({ x: box.x + 14, y, width: box.width - 28, height }, 'stage', 7),
        text(box.x + 26, y + 22, 'name', folder),
        paragraph(box.x + 26, y + 41, box.width - 50, what),
      ].join('');
    }),
  ].join('\n  ');
}

function mainPath(panel: Box): string {
  return [
    rectangle(panel, 'room'),
    text(panel.x + 14, panel.y + 30, 'title code', 'pipeline/run-study.ts'),
    text(panel.x + panel.width - 14, panel.y + 30, 'small end', 'each stage, and the rooms at work'),
    ...STAGES.map((name, index) => stage(name, index, panel)),
  ].join('\n  ');
}

/**
 * The way of the data, from senders and archive to results and pages: an SVG, for light pages and dark ones.
 */
export function drawDataWay(): string {
  const left = MARGIN + 10;
  const right = WIDTH - left;
  const top = 186;
  const height = 48 + Math.ceil(STAGES.length / COLUMNS) * (STAGE_HEIGHT + GAP) + 2;
  const senders = { x: MARGIN, y: 20, width: 160, height: 74 };
  const archive = { x: 200, y: 20, width: WIDTH - 200 - MARGIN, height: 74 };
  const arrivals = { x: left, y: top, width: 214, height };
  const queue = { x: 276, y: top + height / 2 - 52, width: 92, height: 104 };
  const panel = { x: 396, y: top, width: right - 396, height };
  const store = { x: left, y: top + height + 48, width: right - left, height: 70 };
  const doors = store.y + store.height + 48;
  const third = Math.floor((right - left - 2 * 20) / 3);
  const doorOf = (index: number): Box => ({
    x: left + index * (third + 20),
    y: doors,
    width: third,
    height: 88,
  });
  const node = { x: 12, y: 146, width: WIDTH - 24, height: doors + 88 + 18 - 146 };
  const end = node.y + node.height + 14;
  const middle = ({ x, width }: Box) => Math.round(x + width / 2);
  const outsideEdge = archive.y + archive.height;

  const parts = [
    `<rect width="${WIDTH}" height="${end}" rx="14" class="page"/>`,
    rectangle(node, 'node', 14),
    text(right, node.y + 26, 'name end', 'pansegnet-node'),
    outside('Senders', 'scanners, routers', senders),
    outside('Archive', 'Orthanc, or any DICOMweb archive: images come from it, results go to it', archive),
    arrivalsRoom(arrivals),
    room('queue', queue),
    mainPath(panel),
    room('store', store),
    room('http', doorOf(0)),
    room('exchange', doorOf(1)),
    room('metrics', doorOf(2)),
    way([50, outsideEdge], [50, top]),
    text(58, 116, 'label', 'STOW-RS,'),
    text(58, 132, 'label', 'C-STORE'),
    way([218, top], [218, outsideEdge]),
    text(210, 124, 'label end', 'passed on'),
    way([238, outsideEdge], [238, top]),
    text(248, 116, 'label', 'QIDO-RS, /changes,'),
    text(248, 132, 'label', 'POST /api/notify'),
    way([arrivals.x + arrivals.width, top + height / 2], [queue.x, top + height / 2]),
    way([queue.x + queue.width, top + height / 2], [panel.x, top + height / 2]),
    way([450, outsideEdge], [450, top]),
    text(460, 124, 'label', 'images: WADO-RS'),
    way([800, top], [800, outsideEdge]),
    text(790, 124, 'label end', 'SEG and SR: STOW-RS'),
    ...[middle(arrivals), middle(queue), middle(panel)].map((x, index) =>
      way([x, index === 1 ? queue.y + queue.height : top + height], [x, store.y]),
    ),
    text(middle(arrivals) + 10, store.y - 18, 'label', 'announcements'),
    text(middle(queue) + 10, store.y - 18, 'label', 'jobs'),
    text(middle(panel) + 10, store.y - 18, 'label', 'runs, decisions, volume history'),
    ...[0, 1, 2].map((index) =>
      way([middle(doorOf(index)), store.y + store.height], [middle(doorOf(index)), doors]),
    ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${end}" role="img">
  <title>${TITLE}</title>
  <!-- written by \`npm run layout\` from the code's own names -->
  <style>${STYLE}
  </style>
  <defs>${ARROW_HEAD}</defs>
  ${parts.join('\n  ')}
</svg>
`;
}
