#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bedrock_quota_exporter_fuzz::readers::arns(bytes));
