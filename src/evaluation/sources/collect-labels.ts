import { access, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ImageArchive } from '../../dicom/image-archive.ts';
import type { Sql } from '../../store/database/sql.ts';
import { allVolumes } from '../../store/records/history.ts';
import { latestReviews, type Review } from '../../store/records/reviews.ts';
import type { VolumeRecord } from '../../store/records/volume-record.ts';
import { csvField } from './csv.ts';

/** What of a node's results is taken for a label. */
interface LabelledSeries {
  readonly volume: VolumeRecord;
  readonly kind: 'accepted' | 'corrected';
  readonly seg: { readonly seriesInstanceUid: string; readonly sopInstanceUid: string };
}

export interface CollectedLabels {
  readonly corrected: number;
  readonly accepted: number;
  /** Accepted results in which nothing was found: there is no SEG to compare with. */
  readonly withoutSeg: number;
}

interface CollectParts {
  readonly database: Sql;
  readonly archive: Pick<ImageArchive, 'retrieveSeries' | 'retrieveInstance'>;
  readonly signal: AbortSignal;
  readonly onSeries: (done: number, total: number) => void;
}

/** The folders and the table that `collectLabels` writes. */
export const collected = (folder: string) => ({
  images: path.join(folder, 'images'),
  labels: path.join(folder, 'labels'),
  groups: path.join(folder, 'groups.csv'),
});

/**
 * Fetches the images of every result that a reader accepted or corrected, and the SEG that counts: the
 * correction where there is one. Images that are there already stay. `groups.csv` says of each series what it
 * is and whose label that is.
 */
export async function collectLabels(folder: string, parts: CollectParts): Promise<CollectedLabels> {
  const { database, archive, signal, onSeries } = parts;
  const volumes = await allVolumes(database);
  const reviews = await latestReviews(database, volumes.flatMap(reportsOf));
  const { labels, withoutSeg } = labelsAmong(volumes, reviews);
  const places = collected(folder);
  // What was accepted before may be rejected by now.
  await rm(places.labels, { recursive: true, force: true });
  await mkdir(places.labels, { recursive: true });
  await mkdir(places.images, { recursive: true });
  for (const [i, { volume, seg }] of labels.entries()) {
    const { studyInstanceUid, seriesInstanceUid } = volume;
    const images = path.join(places.images, seriesInstanceUid);
    if (!(await isThere(images))) {
      await rm(`${images}.part`, { recursive: true, force: true });
      await mkdir(`${images}.part`);
      let count = 0;
      for await (const bytes of archive.retrieveSeries(studyInstanceUid, seriesInstanceUid, signal))
        await writeFile(path.join(`${images}.part`, `${++count}.dcm`), bytes);
      await rename(`${images}.part`, images);
    }
    const bytes = await archive.retrieveInstance(
      studyInstanceUid,
      seg.seriesInstanceUid,
      seg.sopInstanceUid,
      signal,
    );
    await writeFile(path.join(places.labels, `${seriesInstanceUid}.dcm`), bytes);
    onSeries(i + 1, labels.length);
  }
  const rows = labels.map(({ volume, kind }) => [volume.seriesInstanceUid, volume.class, kind]);
  const lines = [['case', 'modality', 'label'], ...rows].map((row) => `${row.map(csvField).join(',')}\r\n`);
  await writeFile(places.groups, lines.join(''));
  const corrected = labels.filter(({ kind }) => kind === 'corrected').length;
  return { corrected, accepted: labels.length - corrected, withoutSeg };
}

const reportsOf = ({ report, correction }: VolumeRecord): string[] => [
  report.sopInstanceUid,
  ...(correction ? [correction.report.sopInstanceUid] : []),
];

/** One label for each series: corrections come first, then the newest. Withdrawn results are none. */
function labelsAmong(
  volumes: readonly VolumeRecord[],
  reviews: ReadonlyMap<string, Review>,
): { labels: LabelledSeries[]; withoutSeg: number } {
  let withoutSeg = 0;
  const found = volumes.flatMap((volume): LabelledSeries[] => {
    const { correction, seg, report, withdrawn, historyAlone } = volume;
    // Of what is in the history alone, the archive has no SEG.
    if (withdrawn || historyAlone) return [];
    const decision = (uid: string) => reviews.get(uid)?.decision;
    if (correction) {
      const isRejected = decision(correction.report.sopInstanceUid) === 'rejected';
      return isRejected ? [] : [{ volume, kind: 'corrected', seg: correction.seg }];
    }
    if (decision(report.sopInstanceUid) !== 'accepted') return [];
    if (seg) return [{ volume, kind: 'accepted', seg }];
    withoutSeg++;
    return [];
  });
  const time = ({ volume }: LabelledSeries) => volume.correction?.contentDateTime ?? volume.contentDateTime;
  const rank = ({ kind }: LabelledSeries) => (kind === 'corrected' ? 0 : 1);
  const ordered = found.sort((a, b) => rank(a) - rank(b) || (time(a) < time(b) ? 1 : -1));
  const perSeries = new Map<string, LabelledSeries>();
  for (const label of ordered) {
    const { seriesInstanceUid } = label.volume;
    if (!perSeries.has(seriesInstanceUid)) perSeries.set(seriesInstanceUid, label);
  }
  const uidOf = ({ volume }: LabelledSeries) => volume.seriesInstanceUid;
  return { labels: [...perSeries.values()].sort((a, b) => (uidOf(a) < uidOf(b) ? -1 : 1)), withoutSeg };
}

const isThere = (folder: string): Promise<boolean> =>
  access(folder).then(
    () => true,
    () => false,
  );
