import type { VolumeRecord } from './volume-record.ts';

/** A volume as others are told of it. */
export type ShownVolume<T extends Pick<VolumeRecord, 'historyAlone' | 'report' | 'seg'>> =
  | T
  | (Omit<T, 'report' | 'seg'> & {
      /** By which pages and API name it. */
      readonly id: string;
      readonly report: null;
      readonly seg: null;
    });

/** What is in the history alone has no objects that could be referred to: it goes by an id. */
export function shownVolume<T extends Pick<VolumeRecord, 'historyAlone' | 'report' | 'seg'>>(
  volume: T,
): ShownVolume<T> {
  if (!volume.historyAlone) return volume;
  return { ...volume, id: volume.report.sopInstanceUid, report: null, seg: null };
}
