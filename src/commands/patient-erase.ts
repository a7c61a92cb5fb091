import { z } from 'zod';
import { eraseSpooled } from '../arrivals/intake/erase-spooled.ts';
import { composeAudit } from '../compose/audit.ts';
import { createLogger } from '../compose/logger.ts';
import { NOTIFICATION_QUEUE } from '../exchange/notifications/outbox.ts';
import { DEAD_LETTER_QUEUE, EARLIER_DEAD_LETTER_QUEUE, EARLIER_QUEUE } from '../queue/queue-names.ts';
import { eraseJobs } from '../store/queue/pgboss-tables.ts';
import { erasePatient, tracesOfPatient } from '../store/records/erase-patient.ts';
import { patientKeys } from '../store/records/patient-key.ts';
import { namedPatient } from '../store/records/study-identity.ts';
import { StoreError } from '../store/store-error.ts';
import { defineCommand } from './definition/command.ts';
import { flag, option } from './definition/field.ts';

const patientKey = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'is not a patient key: take it from the address of the page');

const ERASED_QUEUES = [NOTIFICATION_QUEUE, DEAD_LETTER_QUEUE, EARLIER_QUEUE, EARLIER_DEAD_LETTER_QUEUE];

/** What the node cannot take back; said each time, as somebody has to see to it. */
const OUT_OF_REACH = [
  'not reached: images, SEGs and reports in the archive (or `results withdraw` them before erasing)',
  'not reached: the audit log, which only grows; it names the patient by the key',
  'not reached: backups of the database, and messages that were delivered',
  'kept: the UIDs of the studies and of their results, so that they are not processed again as they are; ' +
    'and entries of the opt-out list. New images are processed unless the list names the patient.',
];

/** Irreversible: without --yes it says what it would do, and fails. */
export const patientErase = defineCommand({
  name: 'patient erase',
  help: 'remove a patient from database, caches, spool and outbox',
  runs: 'in-node',
  options: z.strictObject({
    patientKey: option('--patient <key>', 'the key that the pages show', patientKey),
    yes: flag('--yes', 'do it; it cannot be undone'),
  }),
  run: async ({ patientKey: key, yes }, { config, database, forgetImages, warn, print }) => {
    const { studies, reports } = await tracesOfPatient(database, key);
    if (!yes) {
      print(`${studies.length} studies, ${reports.length} reports would be erased`);
      throw new StoreError('ERASE_UNCONFIRMED', 'patient erase: nothing was erased; say --yes to do it');
    }
    const keyOf = await patientKeys(database, config.patients.placeholderIds);
    const erased = await erasePatient(database, key, new Date(), async (sql, traces) => {
      await eraseJobs(sql, ERASED_QUEUES, traces.studies);
    });
    forgetImages?.(erased.reports);
    const known = new Set(erased.studies);
    const spooled = await eraseSpooled(
      config.intake.spoolFolder,
      (studyInstanceUid, image) =>
        known.has(studyInstanceUid) || keyOf({ ...namedPatient(image), studyInstanceUid }) === key,
    );
    if (erased.studies.length === 0 && spooled.removed === 0) {
      throw new StoreError('PATIENT_UNKNOWN', 'patient erase: nothing is known under this key');
    }
    const logger = createLogger(config);
    await using audit = composeAudit(config, { logger, now: () => new Date(), archiveUrl: '' });
    audit.patientErased(key);
    warn({ patient: key, studies: erased.studies.length }, 'a patient was erased');
    print(
      `erased: ${erased.studies.length} studies with ${erased.reports.length} reports, ` +
        `${spooled.removed} instances in the spool`,
    );
    if (spooled.unreadable > 0) print(`not reached: ${spooled.unreadable} files in the spool cannot be read`);
    if (database.kind === 'server') {
      print(
        'not reached: images in the memory of running nodes, which show them no more; a restart ends them',
      );
    }
    for (const line of OUT_OF_REACH) print(line);
  },
});
