use super::*;

/// What a line holds, one range after another.
fn ranges(line: &str) -> Result<String, EntryError> {
    let mut found = Found::default();
    read(line, false, &mut found)?;
    assert!(found.cleared.is_empty());
    let text = |entry: &Entry| match entry {
        Entry::V4(i) => i.to_string(),
        Entry::V6(i) => i.to_string(),
    };
    Ok(found.entries.iter().map(text).collect::<Vec<_>>().join(" "))
}

/// Forms in which vendors and tools write lists, most of them from their own manuals, with other addresses.
#[test]
fn forms_that_are_read() {
    const TEN: &str = "10.0.0.0-10.255.255.255";
    for (line, expect) in [
        ("10.0.0.0/8", TEN),
        ("10.0.0.0/8 # 10 things; and more", TEN),
        ("10.0.0.0/8 // office", TEN),
        ("10.0.0.0/8 ; SBL256894", TEN),
        ("10.0.0.0/8;", TEN),
        ("\"10.0.0.0/8\",", TEN),
        ("'10.0.0.0/8'", TEN),
        ("\u{201c}10.0.0.0/8\u{201d}", TEN),
        ("\u{feff}\u{a0}10.0.0.0/8\u{200b}", TEN),
        ("\u{2022} 10.0.0.0/8", TEN),
        ("10.0.0.0\u{2013}10.255.255.255", TEN),
        ("10.0.0.0 \u{2014} 10.255.255.255", TEN),
        ("10.0.0.0 - 10.255.255.255", TEN),
        // PAN-OS: a remark behind a blank. hosts(5): a name.
        ("10.0.0.0/8 our own (all of them)", TEN),
        ("192.0.2.1 www.example.com", "192.0.2.1"),
        // FortiGate, Squid, Cisco: masks. Cisco object groups.
        ("10.0.0.0/255.0.0.0", TEN),
        ("10.0.0.0 255.0.0.0", TEN),
        ("10.0.0.0 0.255.255.255", TEN),
        ("10.0.0.0 /8", TEN),
        ("10.0.0.0 / 8", TEN),
        ("192.0.2.1\r192.0.2.2", "192.0.2.1 192.0.2.2"),
        ("# one\u{2028}10.0.0.0/8\r", TEN),
        ("network-object 10.0.0.0 255.0.0.0", TEN),
        ("network-object host 192.0.2.1", "192.0.2.1"),
        ("host 192.0.2.1", "192.0.2.1"),
        ("range 10.0.0.0 10.255.255.255", TEN),
        // ipset save, nftables.
        ("create blocked hash:net family inet hashsize 1024 maxelem 65536", ""),
        ("add blocked 10.0.0.0/8", TEN),
        ("add blocked 10.0.0.0/8 timeout 300 comment \"was 11.0.0.0/8\"", TEN),
        ("10.0.0.0/8,", TEN),
        // Several in one line, as our own tables have them in a cell.
        ("10.0.0.0/8;192.0.2.0/24", "10.0.0.0-10.255.255.255 192.0.2.0-192.0.2.255"),
        ("10.0.0.0/8, 192.0.2.0/24", "10.0.0.0-10.255.255.255 192.0.2.0-192.0.2.255"),
        ("10.0.0.0/8 192.0.2.0/24", "10.0.0.0-10.255.255.255 192.0.2.0-192.0.2.255"),
        ("192.0.2.1-192.0.2.3;192.0.2.7/32", "192.0.2.1-192.0.2.3 192.0.2.7"),
        ("\"10.0.0.0/8;192.0.2.0/24\"", "10.0.0.0-10.255.255.255 192.0.2.0-192.0.2.255"),
        // Tables: geofeed (RFC 8805), spreadsheets, routing tables with numbers of networks.
        ("10.0.0.0/8,NL,NL-NH,Amsterdam,1098 XH", TEN),
        ("192.0.2.1,NL,,,", "192.0.2.1"),
        ("10.0.0.0/8;AU;\"a; b\"", TEN),
        ("10.0.0.0/8\tAU", TEN),
        ("10.0.0.0/8 64496", TEN),
        ("sep=;", ""),
        (";;;", ""),
        ("network,geoname_id,is_anonymous_proxy", ""),
        ("IP Address;Comment", ""),
        ("CIDR", ""),
        // Registries.
        ("2|ripencc|1700000000|3|19830705|20231114|+0100", ""),
        ("ripencc|*|ipv4|*|2|summary", ""),
        ("ripencc|NL|asn|64496|1|20100101|allocated", ""),
        ("ripencc|NL|ipv4|192.0.2.0|256|20120101|allocated", "192.0.2.0-192.0.2.255"),
        ("apnic|AU|ipv4|192.0.2.0|3|20120101|assigned|abc", "192.0.2.0-192.0.2.2"),
        (
            "ripencc|NL|ipv6|2001:db8::|32|20120101|allocated",
            "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        ),
        // Remarks.
        ("# 10.0.0.0/8", ""),
        ("; 10.0.0.0/8 ; SBL1", ""),
        ("// 10.0.0.0/8", ""),
        ("% whois", ""),
        ("! a router's remark", ""),
        ("10.0.0.0/8 # see 11.0.0.0/8", TEN),
        ("10.0.0.0/8 ; since 2026-01-02 12:30:45", TEN),
    ] {
        assert_eq!(ranges(line).as_deref(), Ok(expect), "{line}");
    }
}

#[test]
fn forms_that_are_refused_with_their_reason() {
    for (line, reason) in [
        ("10.0.0.0/8 # 172.16.0.0/12", "`172.16.0.0/12` stands behind `#`"),
        ("10.0.0.0/8 #172.16.0.0/12, 192.0.2.1", "`172.16.0.0/12` stands behind `#`"),
        ("10.0.0.0/8 # both; 172.16.0.0/12", "`172.16.0.0/12` stands behind `#`"),
        ("10.0.0.0 # 255.0.0.0", "`255.0.0.0` stands behind `#`"),
        ("10.0.0.0/8 // 172.16.0.0/12", "`172.16.0.0/12` stands behind `//`"),
        (";10.0.0.0/8;AU", "`10.0.0.0/8` stands behind `;`"),
        ("1.0.0.0;1.0.0.255;AU", "written 1.0.0.0-1.0.0.255"),
        ("1.0.0.0,1.0.0.255", "written 1.0.0.0-1.0.0.255"),
        ("10.0.0.0;255.0.0.0", "its mask are written 10.0.0.0/8"),
        ("10.0.0.0,8", "ADDRESS/LENGTH"),
        ("10.0.0.0;8;x", "ADDRESS/LENGTH"),
        ("10.0.0.0\t8", "ADDRESS/LENGTH"),
        ("10.0.0.0 8", "ADDRESS/LENGTH"),
        ("192.0.2.1 198.51.100.1", "written 192.0.2.1-198.51.100.1"),
        ("192.0.2.1 to 192.0.2.9", "written 192.0.2.1-192.0.2.9"),
        ("10.0.0.1 128.0.0.0", "written 10.0.0.1-128.0.0.0"),
        ("10.0.0.1-10.0.0.9/32", "a range needs two"),
        ("1.0.0.0,256,AU", "ADDRESS/LENGTH"),
        ("10.0.0.0/8;10.0.0.4", "`tagwall routes minimize`"),
        ("10.0.0.0/8,10.0.0.4,x", "`tagwall routes minimize`"),
        ("10.0.0.0/8 via 10.0.0.1 dev eth0", "`tagwall routes minimize`"),
        ("10.0.0.0/8;10.0.0.1/24", "more than one thing"),
        ("10.0.0.0/8;300.1.1.1", "more than one thing"),
        ("10.0.0.0/8 except 10.1.0.0/16", "more than one thing"),
        ("10.0.0.0/8 deny", "`deny` behind an entry"),
        ("10.0.0.0/8 le 24", "`le` behind an entry"),
        ("10.0.0.0/8 0", "ADDRESS/LENGTH"),
        ("10.0.0.0/8 -", "`-` behind an entry"),
        ("10.0.0.0 0.0.255.0", "not all in one piece"),
        ("0.0.0.0 0.0.0.0", "0.0.0.0/0 or 0.0.0.0/32"),
        ("!10.0.0.0/8", "an exception"),
        ("! 10.0.0.0/8", "an exception"),
        ("add blocked 10.0.0.0/8 nomatch", "an exception"),
        ("add blocked 10.0.0.0/8,tcp:80", "not"),
        ("- 10.0.0.0/8", "`-` before an entry"),
        ("-10.0.0.0/8", "`-` before an entry"),
        ("> 10.0.0.0/8", "`>` before an entry"),
        ("allow 10.0.0.0/8;", "behind `allow`"),
        ("deny ip 10.0.0.0 0.255.255.255 any", "behind `deny`"),
        ("acl inside src 10.0.0.0/8", "behind `acl`"),
        ("set subnet 10.0.0.0 255.0.0.0", "behind `set`"),
        ("route: 192.0.2.0/24", "behind `route:`"),
        ("nsg,Outbound,100,10.0.0.0/8;192.0.2.0/24,443", "stands in column 4"),
        ("name,10.0.0.0/8", "stands in column 2"),
        ("10.0.0.1/24,NL", "10.0.0.0/24"),
        ("ripencc||ipv4|192.0.2.0|256||available", "calls available"),
        ("ripencc|NL|ipv4|255.255.255.0|1024|20120101|allocated", "not an IP address"),
        ("nonsense", "not an IP address"),
        ("NL-NH", "a range needs two"),
        ("10.0.0.\u{200b}0/8", "U+200B"),
    ] {
        let error = ranges(line).expect_err(line).to_string();
        assert!(error.contains(reason), "{line}: {error}");
    }
}

#[test]
fn relaxed_reads_masks_and_lists_too_and_tells() {
    for (line, text) in
        [("10.0.0.1/24", "10.0.0.1/24"), ("172.16.1.2/255.255.255.0 x", "172.16.1.2/255.255.255.0")]
    {
        let mut found = Found::default();
        read(line, true, &mut found).unwrap();
        assert_eq!((found.entries.len(), found.cleared.len()), (1, 1));
        assert_eq!(found.cleared[0].0, text);
    }
    let mut found = Found::default();
    read("10.0.0.1/24;10.0.1.0/24;10.0.2.9/24", true, &mut found).unwrap();
    assert_eq!((found.entries.len(), found.cleared.len()), (3, 2));
    assert!(read("::ffff:192.0.2.1/96", true, &mut found).is_err());
}
