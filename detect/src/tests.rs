//! The room as a whole: order of arrival, batches, partitions and restarts do not change the answer, a clean stream
//! stays quiet, a planted intruder is found, and bounds hold.

mod bounds;
mod house;
mod quality;
mod same_answer;
mod town;
