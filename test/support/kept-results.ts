import { requiredText, text } from '../../src/dicom/reading/dataset.ts';
import { readMeta } from '../../src/dicom/reading/part10.ts';
import type { DicomWebClient } from '../../src/dicom/web/client.ts';
import { collect } from './collect.ts';
import type { OrthancServer } from './orthanc.ts';

const RESULTS: readonly (string | undefined)[] = ['SEG', 'SR'];

/** The node's results of a study, as an archive gives them (WADO-RS). */
export async function resultFiles(web: DicomWebClient, study: string): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const series of await web.searchSeries(study)) {
    if (!RESULTS.includes(text(series, 'Modality'))) continue;
    const uid = requiredText(series, 'SeriesInstanceUID', 'a series');
    files.push(...(await collect(web.retrieveSeries(study, uid))));
  }
  return files;
}

/** The data sets of files by SOP Instance UID: what stands before them is the writer's own. */
export function dataSetsOf(files: readonly Uint8Array[]): Map<string, Buffer> {
  const kept = files.map((file) => {
    const { dataset, end } = readMeta(new Uint8Array(file), 'a result');
    const uid = requiredText(dataset, 'MediaStorageSOPInstanceUID', 'a result');
    return [uid, Buffer.from(file.subarray(end))] as const;
  });
  return new Map(kept.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Takes the results of a study away, as if there had never been any. */
export async function removeResults(orthanc: OrthancServer, study: string): Promise<void> {
  const query = { Level: 'Series', Query: { StudyInstanceUID: study }, Expand: true };
  const found = await fetch(`${orthanc.restUrl}/tools/find`, { method: 'POST', body: JSON.stringify(query) });
  const series = (await found.json()) as { ID: string; MainDicomTags: { Modality: string } }[];
  for (const { ID, MainDicomTags } of series) {
    if (RESULTS.includes(MainDicomTags.Modality))
      await fetch(`${orthanc.restUrl}/series/${ID}`, { method: 'DELETE' });
  }
}

/** UIDs that only one of them has, or that have other bytes: `toEqual` would print megabytes. */
export function differing(one: ReadonlyMap<string, Buffer>, other: ReadonlyMap<string, Buffer>): string[] {
  const all = new Set([...one.keys(), ...other.keys()]);
  const isSame = (uid: string): boolean => other.get(uid)?.equals(one.get(uid) ?? Buffer.alloc(0)) ?? false;
  return [...all].filter((uid) => !isSame(uid));
}
