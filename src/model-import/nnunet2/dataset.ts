import { z } from 'zod';
import { SegmentationError } from '../../segmentation/segmentation-error.ts';
import { parseJson } from './json-file.ts';

const wholeNumber = z.union([z.int(), z.string().regex(/^\d+$/).transform(Number)]);

const datasetSchema = z.object({
  channel_names: z.record(z.string(), z.unknown()).optional(),
  /** Its name in nnU-Net v1. */
  modality: z.record(z.string(), z.unknown()).optional(),
  labels: z.record(z.string(), z.unknown()),
  regions_class_order: z.unknown().optional(),
});

/** What dataset.json says of what goes into the network and what comes out. */
export interface Dataset {
  /** What the only channel is called: CT, T2, ... */
  readonly channel: string;
  /** Names of the network's channels in their order, background first; ignored ones have none. */
  readonly labels: readonly string[];
}

/** @throws {SegmentationError} PLANS_INVALID */
export function readDataset(bytes: Uint8Array, file: string): Dataset {
  const dataset = parseJson(bytes, datasetSchema, file);
  const wrong = (message: string) => new SegmentationError('PLANS_INVALID', `${file}: ${message}`);
  // The order in which nnU-Net looks.
  const channels = dataset.modality ?? dataset.channel_names;
  if (!channels) throw wrong('expected channel_names, or modality as older files call it');
  const names = Object.values(channels).map(String);
  if (names.length !== 1)
    throw wrong(
      `the network takes ${names.length} images (${names.join(', ')}); only networks of one channel can be ` +
        'used',
    );
  return { channel: names[0] ?? '', labels: readLabels(dataset.labels, dataset.regions_class_order, wrong) };
}

function readLabels(
  labels: Readonly<Record<string, unknown>>,
  regionsOrder: unknown,
  wrong: (message: string) => SegmentationError,
): readonly string[] {
  const names = Object.keys(labels);
  if (names.length > 0 && names.every((name) => /^\d+$/.test(name)))
    throw wrong(
      `labels are written number first, as nnU-Net v1 does (${JSON.stringify(labels).slice(0, 80)}); ` +
        'nnU-Net v2 refuses them too. Write {"background": 0, "pancreas": 1}',
    );
  const regions = Object.entries(labels).filter(([, value]) => Array.isArray(value) && value.length > 1);
  if (regions.length > 0)
    throw wrong(
      Array.isArray(regionsOrder)
        ? `labels are regions (${regions.map(([name]) => name).join(', ')}): a sigmoid each, and ` +
            'regions_class_order says which one wins; only labels that exclude each other are done here'
        : `labels are regions (${regions.map(([name]) => name).join(', ')}), and regions_class_order, ` +
            'without which nobody knows which one wins, is missing',
    );
  const values = new Map<string, number>();
  for (const [name, value] of Object.entries(labels)) {
    const number = wholeNumber.safeParse(Array.isArray(value) ? value[0] : value);
    if (!number.success || number.data < 0)
      throw wrong(
        `the label ${name.slice(0, 60)} is ${JSON.stringify(value)}; expected a whole number from 0`,
      );
    values.set(name, number.data);
  }
  if (values.get('background') !== 0)
    throw wrong(
      values.has('background')
        ? `the label background is ${values.get('background')}; expected 0`
        : 'labels have no background, which has to be 0',
    );
  return channelsOf(values, wrong);
}

/** Channel k is the k-th smallest value, whatever the order in the file. */
function channelsOf(
  values: ReadonlyMap<string, number>,
  wrong: (message: string) => SegmentationError,
): string[] {
  const ignored = values.get('ignore');
  const found = [...values].filter(([name]) => name !== 'ignore').toSorted(([, a], [, b]) => a - b);
  const highest = found.at(-1)?.[1] ?? 0;
  if (ignored !== undefined && ignored !== highest + 1)
    throw wrong(`the label ignore is ${ignored}; expected ${highest + 1}, one more than all others`);
  const channels: string[] = [];
  for (const [name, value] of found) {
    if (value === channels.length) channels.push(name);
    else if (value === channels.length - 1)
      throw wrong(`two labels are ${value}: ${channels.at(-1)} and ${name}; it is unclear what is meant`);
    else
      throw wrong(
        `the labels' values have a gap: ${name} is ${value}, and none is ${channels.length}. nnU-Net would ` +
          `write ${channels.length} for it, so that it is unclear what was meant; number labels without gaps`,
      );
  }
  if (channels.length < 2) throw wrong('there is no label beside the background');
  return channels;
}

/**
 * The channel that is the pancreas.
 *
 * @param wanted a label's name or value; undefined where there is only one
 * @throws {SegmentationError} IMPORT_SOURCE: it isn't one of the labels, or there are several to choose from
 */
export function chooseLabel(labels: readonly string[], wanted: string | undefined, file: string): number {
  const list = labels
    .map((name, value) => `${name} (${value})`)
    .slice(1)
    .join(', ');
  if (wanted === undefined) {
    if (labels.length === 2) return 1;
    throw new SegmentationError(
      'IMPORT_SOURCE',
      `${file}: the network finds several structures: ${list}. Say which one is the pancreas: --label NAME`,
    );
  }
  const named = labels.findIndex((name) => name === wanted);
  const chosen = named >= 0 ? named : /^\d+$/.test(wanted) ? Number(wanted) : -1;
  if (chosen > 0 && chosen < labels.length) return chosen;
  throw new SegmentationError(
    'IMPORT_SOURCE',
    chosen === 0
      ? `${file}: --label ${wanted} is the background; expected one of ${list}`
      : `${file}: there is no label ${wanted}; expected one of ${list}`,
  );
}
