//! Every log field and metric name, once.
