import type { JsonDataset } from './dicom-json.ts';
import type { InstanceHeader } from './instance-header.ts';

/** What is known of a stored instance without reading its file. */
export interface IndexedInstance extends Omit<InstanceHeader, 'version' | 'hasPixelData' | 'dataset'> {
  /** The attributes that searches match and return. */
  readonly attributes: JsonDataset;
}

type Series = Map<string, IndexedInstance>;
type Study = Map<string, Series>;

/** All instances, by study, series and SOP instance UID; in memory. Lists are in the order of their UIDs. */
export class InstanceIndex {
  readonly #studies = new Map<string, Study>();
  readonly #instances = new Map<string, IndexedInstance>();

  add(instance: IndexedInstance): void {
    const study = this.#studies.get(instance.studyUid) ?? new Map<string, Series>();
    const series = study.get(instance.seriesUid) ?? new Map<string, IndexedInstance>();
    this.#studies.set(instance.studyUid, study);
    study.set(instance.seriesUid, series);
    series.set(instance.sopUid, instance);
    this.#instances.set(instance.sopUid, instance);
  }

  instance(sopUid: string): IndexedInstance | undefined {
    return this.#instances.get(sopUid);
  }

  studyUids(): string[] {
    return [...this.#studies.keys()].sort();
  }

  seriesUids(studyUid: string): string[] {
    return [...(this.#studies.get(studyUid)?.keys() ?? [])].sort();
  }

  /** Instances of a study, of one of its series, or that one of them; none where there is no such thing. */
  instances(studyUid: string, seriesUid?: string, sopUid?: string): IndexedInstance[] {
    const study = this.#studies.get(studyUid);
    const wanted = seriesUid === undefined ? [...(study?.values() ?? [])] : [study?.get(seriesUid)];
    const all = wanted.flatMap((series) => [...(series?.values() ?? [])]);
    const matching = sopUid === undefined ? all : all.filter((instance) => instance.sopUid === sopUid);
    return matching.sort((a, b) => (a.sopUid < b.sopUid ? -1 : 1));
  }
}
