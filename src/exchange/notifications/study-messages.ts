import { isEarlierStudy } from '../../store/arrivals/look-record.ts';
import type { Sql } from '../../store/database/sql.ts';
import { findStudyListing, type StudyListing } from '../../store/records/find-studies.ts';
import { findPatient } from '../../store/records/patient-record.ts';
import { patientTrends, type TrendPoint, type TrendSettings } from '../../store/records/trends.ts';
import type { Message } from './message.ts';

export interface MessageSettings {
  readonly events: readonly ('failed' | 'finished' | 'change')[];
  readonly changePercent: number;
  readonly patientData: boolean;
  /** Of the pages; undefined: messages have no link. */
  readonly pagesUrl: string | undefined;
  readonly trends: TrendSettings;
}

/** A message, and what tells its event from all others. */
export interface StudyMessage {
  readonly key: string;
  readonly message: Message;
}

/** What is to be told of a study that has ended, by the events that the site wants to hear of. */
export async function messagesOf(
  sql: Sql,
  studyInstanceUid: string,
  settings: MessageSettings,
): Promise<StudyMessage[]> {
  const listing = await findStudyListing(sql, studyInstanceUid);
  // Nobody waits for what was done years ago.
  if (!listing || (await isEarlierStudy(sql, studyInstanceUid))) return [];
  const { study } = listing;
  const wants = (event: MessageSettings['events'][number]) => settings.events.includes(event);
  const common = commonParts(listing, settings);
  const messages: StudyMessage[] = [];
  const ended = `${studyInstanceUid} ${study.changedAt.toISOString()}`;
  if (study.state === 'failed' && wants('failed')) {
    const code = study.errorCode === undefined ? {} : { errorCode: study.errorCode };
    messages.push({ key: `failed ${ended}`, message: { event: 'study.failed', ...common, ...code } });
  }
  if (study.state === 'done' && wants('finished')) {
    messages.push({ key: `finished ${ended}`, message: { event: 'study.finished', ...common } });
  }
  if (study.state === 'done' && wants('change')) {
    for (const { volume, sincePrevious } of await pointsOf(sql, listing, settings)) {
      const percent = sincePrevious?.percent;
      if (percent === undefined || Math.abs(percent) < settings.changePercent) continue;
      messages.push({
        // A result that comes again, from a study that was processed again, is told once.
        key: `change ${volume.report.sopInstanceUid}`,
        message: { event: 'volume.changed', ...common, class: volume.class, changePercent: percent },
      });
    }
  }
  return messages;
}

/**
 * The study's points in the history of its patient, as far as the archive has them: of what is in the history
 * alone nothing is told, and nothing is compared with it.
 */
async function pointsOf(
  sql: Sql,
  { study, volumes }: StudyListing,
  { trends: settings }: MessageSettings,
): Promise<TrendPoint[]> {
  const patient = volumes[0] && (await findPatient(sql, volumes[0].patientKey));
  if (!patient) return [];
  const inArchive = patient.volumes.filter(({ historyAlone }) => !historyAlone);
  return patientTrends({ ...patient, volumes: inArchive }, settings)
    .trends.flatMap(({ points }) => points)
    .filter(({ volume }) => volume.studyInstanceUid === study.studyInstanceUid);
}

function commonParts(
  { study, header, volumes }: StudyListing,
  { patientData, pagesUrl }: MessageSettings,
): Omit<Message, 'event'> {
  const { studyInstanceUid, changedAt, reason } = study;
  return {
    at: changedAt.toISOString(),
    studyInstanceUid,
    ...(pagesUrl === undefined ? {} : { link: `${pagesUrl}/studies/${studyInstanceUid}` }),
    ...(patientData
      ? {
          details: {
            patientName: header?.patientName,
            patientId: header?.patientId,
            studyDate: header?.studyDate || undefined,
            description: header?.description || undefined,
            reason,
            volumes: volumes
              .filter(({ historyAlone }) => !historyAlone)
              .map((volume) => ({
                class: volume.class,
                volumeMl: volume.volumeMl,
                flags: [...volume.flags],
              })),
          },
        }
      : {}),
  };
}
