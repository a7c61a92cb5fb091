import { CodedError, messageOf } from '../coded-error.ts';
import type { DicomDataset } from '../dicom/reading/dataset.ts';
import { isRefusedChange, type WantedState, type WorkitemClient } from '../dicom/web/workitem-client.ts';
import type { PlainDataset } from '../dicom/writing/dicom-json.ts';

/** The worklist will not make a change; asking again in the same way is of no use. */
export class WorkitemRefused extends CodedError<'WORKITEM_REFUSED'> {}

/** Where workitems are, elsewhere or in the node itself, as a performer sees it. */
export interface Worklist {
  /** Root of the service; empty: the node's own. */
  readonly name: string;
  /** Workitems that may be claimed; the worklist may give others, too. */
  scheduled(signal?: AbortSignal): Promise<DicomDataset[]>;
  /** @returns undefined where there is no such workitem, or none any more */
  retrieve(workitemUid: string, signal?: AbortSignal): Promise<DicomDataset | undefined>;
  /** @throws WorkitemRefused */
  changeState(
    workitemUid: string,
    change: { readonly transactionUid: string; readonly state: WantedState },
    signal?: AbortSignal,
  ): Promise<void>;
  /** @throws WorkitemRefused */
  update(
    workitemUid: string,
    transactionUid: string,
    changes: PlainDataset,
    signal?: AbortSignal,
  ): Promise<void>;
}

const READY = { ProcedureStepState: 'SCHEDULED', '00404041': 'READY' } as const;

/** A worklist elsewhere. @param station CodeValue of the station name that its workitems are for */
export function remoteWorklist(client: WorkitemClient, station: string): Worklist {
  const ours = { 'ScheduledStationNameCodeSequence.CodeValue': station };
  const refusable = async (change: Promise<void>): Promise<void> => {
    try {
      await change;
    } catch (error) {
      if (!isRefusedChange(error)) throw error;
      throw new WorkitemRefused('WORKITEM_REFUSED', messageOf(error), { cause: error });
    }
  };
  return {
    name: client.url,
    scheduled: async (signal) => {
      try {
        return await client.search({ ...READY, ...ours }, signal);
      } catch (error) {
        // Not every server searches by InputReadinessState; what it gives is looked at in any case.
        if (!isRefusedChange(error)) throw error;
        return client.search({ ProcedureStepState: READY.ProcedureStepState, ...ours }, signal);
      }
    },
    retrieve: (uid, signal) => client.retrieve(uid, signal),
    changeState: (uid, change, signal) => refusable(client.changeState(uid, change, signal)),
    update: (uid, transactionUid, changes, signal) =>
      refusable(client.update(uid, transactionUid, changes, signal)),
  };
}
