/** A DICOMweb archive that runs for the tests, with data of its own. */
export interface RunningArchive {
  /** Root of its DICOMweb service. */
  readonly url: string;
  /** Takes it down and keeps its data. */
  halt(): Promise<void>;
  /** Brings it back under the same address with the same data. */
  resume(): Promise<void>;
  /** Takes it down and removes its data. */
  stop(): Promise<void>;
}
