//! Reads a pattern and texts, each a line of UTF-8 in hexadecimal digits, and prints for each text whether the pattern matches it.

use regex::Regex;
use std::io::stdin;

fn decode(digits: &str) -> String {
    let bytes = (0..digits.len())
        .step_by(2)
        .map(|index| u8::from_str_radix(&digits[index..index + 2], 16).unwrap())
        .collect();
    String::from_utf8(bytes).unwrap()
}

fn main() {
    let mut texts = stdin().lines().map(|line| decode(&line.unwrap()));
    let pattern = Regex::new(&texts.next().unwrap()).unwrap();
    for text in texts {
        println!("{}", pattern.is_match(&text));
    }
}
