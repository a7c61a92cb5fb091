/** Why a failure of a command or of the start matters, and what to do about it. */
export interface Advice {
  readonly why: string;
  readonly todo: string;
}

/** Keys are codes of errors, ours or the system's. */
const ADVICE: Readonly<Record<string, Advice>> = {
  CONFIG: {
    why: 'A wrong key would be ignored, or understood differently than it was meant.',
    todo: 'Correct it; config/default.yaml explains each key, and `config check FILE` tries it.',
  },
  DATABASE_ABSENT: {
    why: 'Whatever this command did in a new, empty database, the node that is meant would not know of it.',
    todo:
      'Name the configuration that the node runs with (--config), in the folder that it runs in; a new ' +
      'node makes its database by `serve`, one whose database is lost by `history rebuild --new`.',
  },
  DATA_OWNER: {
    why: 'What root writes there, the node can neither read nor replace: it would not start again.',
    todo: 'Run this as the user that the node runs as: `runuser -u pansegnet -- pansegnet-node ...`.',
  },
  DATABASE_IN_USE: {
    why: 'Two processes on one embedded database would destroy it.',
    todo:
      'Stop the other process, or name another database.folder; for several processes use a ' +
      'PostgreSQL server (database.url).',
  },
  DATABASE_NEWER: {
    why: 'An older program would lose what the newer one wrote.',
    todo: 'Run the newer version, or restore the backup that was made before the upgrade.',
  },
  DATABASE_UNUSABLE: {
    why: 'The queue and the volume history are in the database.',
    todo:
      'Run doctor: it looks at rights, disk and connection, one by one. A damaged folder comes back from a ' +
      'backup, or by `history rebuild --new` from the archive: docs/operations.md, Backup and restore.',
  },
  EADDRINUSE: {
    why: 'Another program, perhaps another node, listens there.',
    todo: 'Stop it, or set http.port (intake.dimse.port, archive.dimse.listen.port) to a free one.',
  },
  EADDRNOTAVAIL: {
    why: 'The address is none of this machine.',
    todo: 'Set http.host to an address of this machine, or to 0.0.0.0 for all.',
  },
  EACCES: {
    why: 'The user that the node runs as may not do that.',
    todo:
      'Give the file or folder to that user; ports below 1024 need a right of their own, so use a ' +
      'higher one.',
  },
  EROFS: {
    why: 'The file system is read-only, as that of a container may be.',
    todo:
      'Point the folders of the configuration (database, archive, audit, spool) to a volume that ' +
      'can be written to.',
  },
  ENOSPC: {
    why: 'The disk is full.',
    todo: 'Make space; nothing that was queued is lost.',
  },
  MODEL_MISSING: {
    why: 'Without its model, a series cannot be segmented.',
    todo: 'See `models list`; check models.folder and the names, or import the model.',
  },
  MODEL_CHANGED: {
    why: 'A damaged or exchanged network would give wrong volumes.',
    todo: 'Import the model again.',
  },
  DICOM_WEB_UNREACHABLE: {
    why: 'Studies are fetched from the archive, and results are stored there.',
    todo: 'Check that the archive runs, and its address (archive); doctor asks it step by step.',
  },
};

export const adviceFor = (code: string): Advice | undefined => ADVICE[code];
