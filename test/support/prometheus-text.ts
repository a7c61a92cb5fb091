/** One sample of a scrape. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const METRIC = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
/** Prometheus takes these words in any case; an unknown mean is NaN. */
const NUMBER = /^(?:[-+]?(?:\d+(?:\.\d+)?(?:e[-+]?\d+)?|inf)|nan)$/i;
/** What the samples of a family may be called besides the family's own name. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};

/**
 * Reads Prometheus's text exposition format (version 0.0.4), strictly.
 * @returns the samples and the type of each family
 * @throws where a line is none of the format's, a sample has no TYPE before it, or a series stands there
 * twice
 */
export function readExposition(text: string): { samples: Sample[]; types: Map<string, string> } {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (type) {
      types.set(type[1] ?? '', type[2] ?? '');
      continue;
    }
    const sample = readSample(line);
    if (!familyOf(sample.name, types)) throw new Error(`no TYPE before: ${line}`);
    const series = line.slice(0, line.lastIndexOf(' '));
    if (seen.has(series)) throw new Error(`twice: ${series}`);
    seen.add(series);
    samples.push(sample);
  }
  return { samples, types };
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string | undefined {
  return [...types].find(([family, type]) =>
    (SUFFIXES[type] ?? ['']).some((suffix) => name === family + suffix),
  )?.[0];
}

function readSample(line: string): Sample {
  const [, name, labels = '', number = ''] = METRIC.exec(line) ?? [];
  if (name === undefined || !NUMBER.test(number)) throw new Error(`not a sample: ${line}`);
  const value = number.endsWith('Inf') ? Infinity : Number(number);
  return { name, labels: readLabels(labels, line), value };
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name = '', value = ''] = LABEL.exec(text) ?? [];
    if (name === '') throw new Error(`labels: ${line}`);
    labels[name] = value;
  }
  return labels;
}
