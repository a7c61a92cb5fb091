import { type DicomDataset, fromDicomJson, sequence, text } from '../dicom/reading/dataset.ts';
import { toDicomJson } from '../dicom/writing/dicom-json.ts';
import { codeItem } from '../results/codes.ts';
import type { Database, Sql } from '../store/database/sql.ts';
import { requestOrderCancel } from '../store/orders/performed-orders.ts';
import {
  changeWorkitem,
  countScheduled,
  createWorkitem,
  findWorkitem,
  holdWorkitem,
  listWorkitems,
  offeredWorkitems,
  type Workitem,
} from '../store/orders/workitems.ts';
import type { PatientIdentity } from '../store/records/patient-key.ts';
import {
  APART,
  checkNew,
  checkUpdate,
  type Received,
  received,
  studyOf,
  withoutNames,
  withoutPatient,
} from './new-workitem.ts';
import { dateTime } from './performed.ts';
import { DISCONTINUATION } from './reasons.ts';
import { isFinished, type Verdict, verdictOn, type Wish } from './state-rules.ts';
import { WorkitemRefused, type Worklist } from './worklist.ts';

/** Unified Procedure Step - Push SOP Class: what every workitem is, whoever asks. */
const UPS_PUSH = '1.2.840.10008.5.1.4.34.6.1';
/** Scheduled workitems that are kept; who sends more is to wait until some are done. */
const MOST_SCHEDULED = 10_000;
/** Workitems that one search looks through. */
const MOST_SEARCHED = 2_000;
/** Workitems that a performer is offered at a time. */
const MOST_OFFERED = 200;

/** How a change went. `unfinished`: before COMPLETED, something is to be said that is missing. */
export type Change = Verdict | 'absent' | 'unfinished';
/** How a request to cancel went. `declined`: the performer goes on, or cannot be told. */
type CancelRequest = 'done' | 'already' | 'absent' | 'declined';
/** How a creation went; `modified`: without the patient's names. */
type Creation = 'created' | 'modified' | 'exists' | 'full';

export interface KeptWorklistParts {
  readonly database: Database;
  /** Whether names, ids and birth dates of patients are kept. */
  readonly names: boolean;
  /** Whose a workitem is. */
  readonly patientKey: (patient: PatientIdentity) => string;
  readonly now: () => Date;
  /** Told that there is something new for a performer. */
  readonly changed: () => void;
}

/** The node's own worklist (PS3.4 CC): what others send as orders, for this node or for other performers. */
export class KeptWorklist {
  readonly #parts: KeptWorklistParts;

  constructor(parts: KeptWorklistParts) {
    this.#parts = parts;
  }

  /** @throws WorkitemInvalid */
  async create(workitemUid: string, body: unknown): Promise<Creation> {
    const { database, names, patientKey, now, changed } = this.#parts;
    const { elements, dataset } = received(body);
    checkNew(dataset);
    if ((await countScheduled(database)) >= MOST_SCHEDULED) return 'full';
    const kept = names ? elements : withoutNames(elements);
    const studyInstanceUid = studyOf(dataset);
    const [patientId, issuer] = [text(dataset, 'PatientID'), text(dataset, 'IssuerOfPatientID')];
    const key = patientKey({ patientId, issuer, studyInstanceUid: studyInstanceUid ?? workitemUid });
    const item = { workitemUid, studyInstanceUid, patientKey: key, dataset: kept };
    if (!(await createWorkitem(database, item, now()))) return 'exists';
    changed();
    return kept === elements ? 'created' : 'modified';
  }

  /** As others may see it: without the Transaction UID. In the DICOM JSON model. */
  async retrieve(workitemUid: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const item = await findWorkitem(this.#parts.database, workitemUid);
    return item && shown(item);
  }

  /** The oldest first. */
  async list(): Promise<Readonly<Record<string, unknown>>[]> {
    return (await listWorkitems(this.#parts.database, MOST_SEARCHED)).map(shown);
  }

  /** @param transactionUid undefined where none was named */
  async changeState(
    workitemUid: string,
    state: Exclude<Wish, 'update'>,
    transactionUid: string | undefined,
  ): Promise<Change> {
    const { now } = this.#parts;
    return this.#held<Change>(workitemUid, async (item, sql) => {
      const verdict = verdictOn(item.state, state, keyOf(item, transactionUid));
      if (verdict !== 'done') return verdict;
      const [performed] = sequence(
        fromDicomJson(item.dataset),
        'UnifiedProcedureStepPerformedProcedureSequence',
      );
      if (state === 'COMPLETED' && !isFinished(performed)) return 'unfinished';
      const key = state === 'IN PROGRESS' && transactionUid !== undefined ? { transactionUid } : {};
      await changeWorkitem(sql, workitemUid, { state, ...key, now: now() });
      return verdict;
    });
  }

  /** @throws WorkitemInvalid */
  async update(workitemUid: string, transactionUid: string | undefined, body: unknown): Promise<Change> {
    const { elements, dataset } = received(body);
    checkUpdate(dataset);
    return this.#held<Change>(workitemUid, async (item, sql) => {
      const verdict = verdictOn(item.state, 'update', keyOf(item, transactionUid));
      if (verdict === 'done') await this.#write(sql, item, withoutPatient(elements));
      return verdict;
    });
  }

  /**
   * Somebody who is not the performer wants it canceled (CC.2.2): what nobody has claimed is canceled here;
   * this node as the performer is told, and no other one can be.
   * @throws WorkitemInvalid
   */
  async requestCancel(workitemUid: string, body: unknown): Promise<CancelRequest> {
    const { changed, now } = this.#parts;
    const said = body === undefined ? undefined : received(body);
    const answer = await this.#held<CancelRequest>(workitemUid, async (item, sql) => {
      if (item.state === 'CANCELED') return 'already';
      if (item.state === 'COMPLETED') return 'declined';
      if (item.state === 'IN PROGRESS') {
        return (await requestOrderCancel(sql, { worklist: '', workitemUid }, now())) ? 'done' : 'declined';
      }
      await changeWorkitem(sql, workitemUid, {
        state: 'CANCELED',
        elements: canceled(said, now()),
        now: now(),
      });
      return 'done';
    });
    if (answer === 'done') changed();
    return answer;
  }

  /** As this node's own performer sees it. @param station CodeValue of the station that it is */
  asWorklist(station: string): Worklist {
    const { database } = this.#parts;
    const made = (change: Change): void => {
      if (change === 'done' || change === 'already') return;
      throw new WorkitemRefused('WORKITEM_REFUSED', `the node's own worklist says: ${change}`);
    };
    return {
      name: '',
      scheduled: async () =>
        (await offeredWorkitems(database, station, MOST_OFFERED)).map((item) => fromDicomJson(shown(item))),
      retrieve: async (uid): Promise<DicomDataset | undefined> => {
        const item = await this.retrieve(uid);
        return item && fromDicomJson(item);
      },
      changeState: async (uid, { state, transactionUid }) =>
        made(await this.changeState(uid, state, transactionUid)),
      update: async (uid, transactionUid, changes) =>
        made(await this.update(uid, transactionUid, toDicomJson(changes))),
    };
  }

  async #write(sql: Sql, { workitemUid }: Workitem, elements: Received['elements']): Promise<void> {
    await changeWorkitem(sql, workitemUid, { elements, now: this.#parts.now() });
  }

  async #held<Answer>(
    workitemUid: string,
    change: (item: Workitem, sql: Sql) => Promise<Answer>,
  ): Promise<Answer | 'absent'> {
    return this.#parts.database.transaction(async (sql) => {
      const item = await holdWorkitem(sql, workitemUid);
      return item ? change(item, sql) : 'absent';
    });
  }
}

function keyOf(item: Workitem, transactionUid: string | undefined): 'right' | 'wrong' | 'none' {
  if (transactionUid === undefined) return 'none';
  return item.transactionUid === transactionUid ? 'right' : 'wrong';
}

function shown({ workitemUid, state, dataset, changedAt }: Workitem): Readonly<Record<string, unknown>> {
  const own = toDicomJson({
    SpecificCharacterSet: 'ISO_IR 192',
    SOPClassUID: UPS_PUSH,
    SOPInstanceUID: workitemUid,
    ProcedureStepState: state,
    ScheduledProcedureStepModificationDateTime: dateTime(changedAt),
  });
  const { [APART.TransactionUID]: _key, ...open } = { ...dataset, ...own };
  return open;
}

/** What a workitem says that was canceled before anybody claimed it: who asked may have said why. */
function canceled(said: Received | undefined, at: Date): Received['elements'] {
  const { ReasonForCancellation: reason } = said?.dataset ?? {};
  const codes = said && sequence(said.dataset, 'ProcedureStepDiscontinuationReasonCodeSequence');
  return toDicomJson({
    ProcedureStepProgressInformationSequence: [
      {
        ProcedureStepCancellationDateTime: dateTime(at),
        ...(typeof reason === 'string' ? { ReasonForCancellation: reason } : {}),
        ProcedureStepDiscontinuationReasonCodeSequence: [codeItem(DISCONTINUATION.unspecified)],
        ...(codes && codes.length > 0
          ? {
              ProcedureStepDiscontinuationReasonCodeSequence: codes.map(
                ({ CodeValue, CodingSchemeDesignator, CodeMeaning }) => ({
                  CodeValue,
                  CodingSchemeDesignator,
                  CodeMeaning,
                }),
              ),
            }
          : {}),
      },
    ],
  });
}
