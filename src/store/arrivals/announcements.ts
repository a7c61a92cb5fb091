import { z } from 'zod';
import { columnsOf } from '../database/rows.ts';
import type { Sql } from '../database/sql.ts';

/**
 * The ways by which a study becomes known; of several, the first here is kept, as it says the most of who
 * sent it. poll: QIDO-RS listed it. changes: an Orthanc's list of changes. notify: POST /api/notify. stow,
 * dimse: this node received it. command: a person asked for it; it is processed whatever the routing rules
 * say, and again. earlier: the years before the node came are worked off.
 */
export const SOURCE_KINDS = ['command', 'dimse', 'stow', 'notify', 'changes', 'poll', 'earlier'] as const;

export const sourceSchema = z.object({
  kind: z.enum(SOURCE_KINDS),
  /** AE title of who sent it by C-STORE, to this node or to the archive, where that is known. */
  callingAeTitle: z.string().optional(),
  /** It was in the archive before the node first looked there: what arrives from then on goes before it. */
  backlog: z.boolean().optional(),
  /** DA, of an earlier study: the newest go first. */
  studyDate: z.string().optional(),
  /** Of an earlier study, whose it is as far as the list tells: it is erased with the patient. */
  patientKey: z.string().optional(),
});
/** How a study became known, and from whom: what routing rules can ask. */
export type AnnouncementSource = z.infer<typeof sourceSchema>;
export type SourceKind = AnnouncementSource['kind'];

/** Lower for sources that say more. */
export const rankOf = ({ kind }: AnnouncementSource): number => SOURCE_KINDS.indexOf(kind);

/**
 * A look waits until nothing was announced of the study for so long: a sender's instances arrive one after
 * the other, and each look costs the archive a request.
 */
const QUIET_MS = 1_000;

export interface Announcement {
  readonly studyInstanceUid: string;
  readonly source: AnnouncementSource;
  /** Changes with every announcement of the study. */
  readonly ticket: string;
  readonly failures: number;
  readonly announcedAt: Date;
}

/**
 * Says that the archive holds something new of a study: every way in leads here, after what came in is stored
 * in the archive. The watch looks at the study soon, and queues it when it is complete.
 * @param sql a transaction to do it in, or the database
 */
export async function announceStudy(
  sql: Sql,
  { studyInstanceUid, source, now }: { studyInstanceUid: string; source: AnnouncementSource; now: Date },
): Promise<void> {
  const dueAt = new Date(now.getTime() + QUIET_MS);
  await announceStudies(sql, { studyInstanceUids: [studyInstanceUid], source, now, dueAt });
}

/**
 * Announces many studies in one statement.
 * @param all.isNews false: nothing says that they have changed; those that the archive cannot serve keep
 * their pauses
 */
export async function announceStudies(
  sql: Sql,
  all: {
    studyInstanceUids: readonly string[];
    source: AnnouncementSource;
    now: Date;
    dueAt: Date;
    isNews?: boolean;
  },
): Promise<void> {
  if (all.studyInstanceUids.length === 0) return;
  await sql.query(
    `INSERT INTO pansegnet.announcement
       (study_instance_uid, source, rank, ticket, announced_at, due_at)
     SELECT uid, $2::jsonb, $3, gen_random_uuid()::text, $4, $5 FROM unnest($1::text[]) AS uid
     ON CONFLICT (study_instance_uid) DO UPDATE SET
       source = CASE WHEN EXCLUDED.rank <= announcement.rank THEN EXCLUDED.source 
         ELSE announcement.source END,
       rank = least(EXCLUDED.rank, announcement.rank),
       ticket = EXCLUDED.ticket, announced_at = EXCLUDED.announced_at,
       due_at = CASE WHEN $6 OR announcement.failures = 0 THEN EXCLUDED.due_at ELSE announcement.due_at END,
       failures = CASE WHEN $6 THEN 0 ELSE announcement.failures END`,
    [
      [...new Set(all.studyInstanceUids)],
      JSON.stringify(all.source),
      rankOf(all.source),
      all.now,
      all.dueAt,
      all.isNews ?? true,
    ],
  );
}

const announcementRow = z.object({
  studyInstanceUid: z.string(),
  source: sourceSchema,
  ticket: z.string(),
  failures: z.int(),
  announcedAt: z.date(),
});
const COLUMNS = columnsOf(announcementRow);
const POLL_RANK = rankOf({ kind: 'poll' });
const EARLIER_RANK = rankOf({ kind: 'earlier' });
/**
 * Announcements whose time to be looked at has come; what was merely found by polling comes last, and earlier
 * studies one by one when there is nothing else: the newest is queued first, and what arrives waits for one
 * look.
 */
export async function dueAnnouncements(sql: Sql, now: Date, limit: number): Promise<Announcement[]> {
  const due = async (which: string, order: string, most: number) => {
    const rows = await sql.query(
      `SELECT ${COLUMNS} FROM pansegnet.announcement WHERE due_at <= $1 AND ${which}
       ORDER BY ${order}, study_instance_uid LIMIT $2`,
      [now, most],
    );
    return z.array(announcementRow).parse(rows);
  };
  const news = await due(`rank < ${EARLIER_RANK}`, `rank = ${POLL_RANK}, due_at`, limit);
  if (news.length > 0) return news;
  return due(`rank >= ${EARLIER_RANK}`, "coalesce(source->>'studyDate', '') DESC, due_at", 1);
}

/** When the next announced study is to be looked at; undefined while there is none. */
export async function nextDue(sql: Sql): Promise<Date | undefined> {
  const rows = await sql.query('SELECT min(due_at) AS due_at FROM pansegnet.announcement');
  return z.tuple([z.object({ due_at: z.date().nullable() })]).parse(rows)[0].due_at ?? undefined;
}

/** The look has answered this announcement; a later one of the same study stays. */
export async function settleAnnouncement(
  sql: Sql,
  { studyInstanceUid, ticket }: Announcement,
): Promise<void> {
  await sql.query('DELETE FROM pansegnet.announcement WHERE study_instance_uid = $1 AND ticket = $2', [
    studyInstanceUid,
    ticket,
  ]);
}

/** The study is to be looked at again at this time, unless it was announced anew meanwhile. */
export async function postponeAnnouncement(
  sql: Sql,
  { studyInstanceUid, ticket }: Announcement,
  { dueAt, failures }: { dueAt: Date; failures: number },
): Promise<void> {
  await sql.query(
    `UPDATE pansegnet.announcement SET due_at = $3, failures = $4
     WHERE study_instance_uid = $1 AND ticket = $2`,
    [studyInstanceUid, ticket, dueAt, failures],
  );
}
